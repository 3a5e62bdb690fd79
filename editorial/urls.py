"""The desk's addresses, and the door to them."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from editorial.forms import SignInForm
from editorial.views import (
    cards,
    comments,
    decide,
    drafts,
    fields,
    front,
    history,
    insight,
    issues,
    keys,
    machine,
    operation,
    pulse,
    queue,
    schedule,
    signing,
    terms,
)

_DESK = "desk/<slug:desk>/"
_ISSUE = f"{_DESK}<day:day>/"


class _SignIn(LoginView):
    """The door. Whoever is signed in and comes by goes on; a name and a password are looked at
    whoever is signed in: a page may be somebody else's (access.signed_in)."""

    authentication_form = SignInForm

    @property
    def redirect_authenticated_user(self) -> bool:
        return self.request.method != "POST"


urlpatterns = [
    path("sign-in/", _SignIn.as_view(), name="sign_in"),
    path("sign-out/", LogoutView.as_view(), name="sign_out"),
    path("keys/", keys.keys, name="keys"),
    path("keys/guided/", keys.guided, name="guided"),
    path("desk/", issues.home, name="desk"),
    path(_DESK, queue.cards, name="queue"),
    path(f"{_DESK}news/", queue.news, name="queue_news"),
    path(f"{_DESK}issues/", queue.archive, name="archive"),
    path(f"{_DESK}calendar/", schedule.month, name="calendar"),
    path(f"{_DESK}rule/", schedule.rule, name="rule"),
    path(f"{_DESK}alarms/", schedule.alarms, name="alarms"),
    path(f"{_DESK}alarms/<key:pk>/", schedule.alarm, name="alarm"),
    path(f"{_DESK}operation/", operation.operation, name="operation"),
    path(f"{_DESK}machine/", machine.sources, name="machine"),
    path(f"{_DESK}machine/draft/", machine.draft, name="draft_now"),
    path(f"{_DESK}machine/<key:pk>/", machine.run, name="run"),
    path(f"{_DESK}terms/", terms.terms, name="terms"),
    path(f"{_DESK}drafts/<key:pk>/", drafts.draft, name="draft"),
    path(f"{_DESK}drafts/<key:pk>/payload/", drafts.payload, name="payload"),
    path(_ISSUE, issues.issue, name="issue"),
    path(f"{_ISSUE}publication/", issues.publication, name="publication"),
    path(f"{_ISSUE}hour/", schedule.hour, name="hour"),
    path(f"{_ISSUE}pulse/", pulse.pulse, name="pulse"),
    path(f"{_ISSUE}preview/", fields.preview, name="preview"),
    path(f"{_ISSUE}undo/", history.undo, name="undo"),
    path(f"{_ISSUE}history/", history.of_issue, name="issue_history"),
    path(f"{_ISSUE}front/", front.front, name="front_matter"),
    path(f"{_ISSUE}front/<slug:field>/", fields.front_field, name="front_field"),
    path(f"{_ISSUE}passages/<key:pk>/<slug:field>/", fields.passage_field, name="passage_field"),
    path(f"{_ISSUE}sections/<key:pk>/approve/", decide.section, name="approve_section"),
    path(f"{_ISSUE}comments/<key:pk>/", comments.comment, name="comment"),
    path(f"{_ISSUE}cover/", signing.cover, name="cover"),
    path(f"{_ISSUE}cards/<key:pk>/", cards.card, name="card"),
    path(f"{_ISSUE}cards/<key:pk>/fields/<slug:field>/", fields.card_field, name="card_field"),
    path(f"{_ISSUE}cards/<key:pk>/rate/", fields.rate, name="rate_card"),
    path(f"{_ISSUE}cards/<key:pk>/move/", cards.move, name="move_card"),
    path(f"{_ISSUE}cards/<key:pk>/comments/", comments.of_card, name="comments"),
    path(f"{_ISSUE}cards/<key:pk>/history/", history.of_card, name="card_history"),
    path(f"{_ISSUE}cards/<key:pk>/revert/", history.revert, name="revert_card"),
    path(f"{_ISSUE}cards/<key:pk>/<slug:name>/", decide.card, name="decide_card"),
    path(f"{_ISSUE}held/<key:pk>/", cards.held, name="held_card"),
    path(f"{_ISSUE}suggestions/<key:pk>/", cards.suggestion, name="suggestion"),
    path(f"{_ISSUE}insight/", insight.passages, {"kind": "insight"}, name="insight"),
    path(f"{_ISSUE}reading/", insight.passages, {"kind": "reading"}, name="reading"),
    path(f"{_ISSUE}sign/", signing.proof, name="sign"),
    path(f"{_ISSUE}decide/<slug:name>/", decide.issue, name="decide_issue"),
]
