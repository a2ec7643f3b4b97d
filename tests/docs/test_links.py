# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every link between the pages leads somewhere, and each guide is found."""

import re
import subprocess
import urllib.parse

import pytest

from guide import SOURCE

PAGES = sorted(page for page in SOURCE.rglob("*.md")
               if not any((parent / "meson-private").exists() for parent in page.parents))
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|(?:src|href|srcset)=\"([^\"]+)\"")
FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


def links(page):
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return [target for pair in LINK.findall(text) for target in pair
            if target and not urllib.parse.urlsplit(target).scheme]


def anchors(page):
    """As the usual sites make them of headings."""
    for heading in re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(SOURCE)))
def test_links(page):
    for target in links(page):
        path, _, anchor = target.partition("#")
        other = (page.parent / path).resolve() if path else page
        assert other.exists(), target
        if anchor:
            assert anchor in list(anchors(other)), target


def test_every_guide_is_linked():
    """From the readme, over however many other pages."""
    seen, ahead = set(), [SOURCE / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in seen or page.suffix != ".md" or not page.is_file():
            continue
        seen.add(page)
        ahead += [(page.parent / target.partition("#")[0]).resolve() for target in links(page) if target[0] != "#"]
    assert {page for page in PAGES if page.parent.name == "docs"} <= seen


@pytest.mark.parametrize("picture", sorted((SOURCE / "docs").glob("*.svg")), ids=lambda path: path.name)
def test_pictures_are_well_formed(picture):
    subprocess.run(["xmllint", "--noout", picture], check=True)
