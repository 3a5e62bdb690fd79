from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


def ensure_default_desk(sender, **kwargs) -> None:
    """Make the one desk that exists by default, unless there is any."""
    from digest.models import Desk

    if not Desk.objects.exists():
        Desk.objects.create(
            slug="daily",
            title="每日 AI 情報",
            sections=[
                "今日焦點（Top Headlines）",
                "模型與技術更新（Model & Research Updates）",
                "工具與資源（Tools & Resources）",
                "產業與應用動態（Industry Applications）",
                "產業趨勢與觀點（Industry Trends & Insights）",
                "市場動態精選（Key Market Updates）",
            ],
        )


class DigestConfig(AppConfig):
    name = "digest"

    def ready(self) -> None:
        from digest import checks  # noqa: F401  registers them
        from digest.promises import let_go_of_words, make_promises

        pre_migrate.connect(let_go_of_words, sender=self)
        post_migrate.connect(make_promises, sender=self)
        post_migrate.connect(ensure_default_desk, sender=self)
