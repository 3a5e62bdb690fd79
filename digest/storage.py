"""Where static files lie: under names that change with their content, in modules' imports too."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedFiles(CompressedManifestStaticFilesStorage):
    """whitenoise's, with the imports between our own ES modules rewritten as well.

    Without it a page of before a deploy would load half of its modules from after it. Django can
    do so for all modules, but some that packages bring import what is not there.
    """

    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        (
            "js/*.js",
            (
                (r"""(?P<matched>\bfrom "(?P<url>\./\w+\.js)")""", 'from "%(url)s"'),
                (r"""(?P<matched>\bimport "(?P<url>\./\w+\.js)")""", 'import "%(url)s"'),
            ),
        ),
    )
