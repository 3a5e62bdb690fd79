"""The desk's addresses, all below /desk/."""

from django.urls import path

from editorial.views import cards, decide, drafts, insight, issues, signing

_ISSUE = "<slug:desk>/<day:day>/"

urlpatterns = [
    path("", issues.home, name="desk"),
    path("<slug:desk>/", issues.queue_page, name="queue"),
    path("<slug:desk>/drafts/<int:pk>/", drafts.draft, name="draft"),
    path("<slug:desk>/drafts/<int:pk>/payload/", drafts.payload, name="payload"),
    path(_ISSUE, issues.issue, name="issue"),
    path(f"{_ISSUE}publication/", issues.publication, name="publication"),
    path(f"{_ISSUE}cards/<int:pk>/", cards.card, name="card"),
    path(f"{_ISSUE}cards/<int:pk>/move/", cards.move, name="move_card"),
    path(f"{_ISSUE}cards/<int:pk>/<slug:name>/", decide.card, name="decide_card"),
    path(f"{_ISSUE}held/<int:pk>/", cards.held, name="held_card"),
    path(f"{_ISSUE}suggestions/<int:pk>/", cards.suggestion, name="suggestion"),
    path(f"{_ISSUE}insight/", insight.passages, {"kind": "insight"}, name="insight"),
    path(f"{_ISSUE}reading/", insight.passages, {"kind": "reading"}, name="reading"),
    path(f"{_ISSUE}sign/", signing.proof, name="sign"),
    path(f"{_ISSUE}decide/<slug:name>/", decide.issue, name="decide_issue"),
]
