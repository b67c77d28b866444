"""Names of raters: who types a name in another way is no other rater."""

import unicodedata
from functools import lru_cache

import pandas as pd

LONGEST_NAME = 40
# characters that cannot be seen, beside those that Unicode calls formats (zero-width ones among these)
UNSEEN = {"\u034f", "\u115f", "\u1160", "\u17b4", "\u17b5", "\u2800", "\u3164", "\uffa0"}
UNSEEN |= {chr(code) for start, end in ((0x180B, 0x180F), (0xFE00, 0xFE0F)) for code in range(start, end + 1)}
UNSEEN |= {chr(code) for code in range(0xE0100, 0xE01F0)}  # variation selectors
BREAKS = {"Cc", "Zl", "Zp"}  # categories of controls and of separators of lines and paragraphs


def rater_name(typed: str) -> str:
    """A name as it is kept: in NFKC, without what cannot be seen, its words separated by single blanks.

    Letters of other widths and composed in other ways are thereby the same.
    """
    seen = (each for each in typed if unicodedata.category(each) != "Cf" and each not in UNSEEN)
    return " ".join(unicodedata.normalize("NFKC", "".join(seen)).split())


def checked_name(typed: str) -> str:
    """`rater_name`; a `ValueError` if nothing, too much, or a line break or control character is in it."""
    if any(unicodedata.category(each) in BREAKS for each in typed.strip()):
        raise ValueError("a name has no line breaks or control characters")
    name = rater_name(typed)
    if not 1 <= len(name) <= LONGEST_NAME:
        raise ValueError(f"a name has 1 to {LONGEST_NAME} visible characters")
    return name


@lru_cache(4096)  # tables of votes name few raters many times
def folded(name: str) -> str:
    """What all spellings of a rater's name have in common, upper and lower case among them."""
    return rater_name(name).casefold()


def one_spelling(names: pd.Series) -> pd.Series:
    """Each rater's name as the first row with it spells it, by `rater_name`."""
    return names.map(rater_name).groupby(names.map(folded)).transform("first")
