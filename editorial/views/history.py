from django.http import HttpResponse
def undo(request, desk, day): return HttpResponse(status=204)
of_issue = undo
def of_card(request, desk, day, pk): return HttpResponse("…")
revert = of_card
