"""Which candidates people are asked about, and in which order."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from stampshift.core.errors import ContractError

SUSPICION, UNCERTAINTY, RANDOM, FILE = ORDERS = ("suspicion", "uncertainty", "random", "file")
SCORES = {SUSPICION: "a suspicion", UNCERTAINTY: "a score"}  # what an order needs of every candidate


@dataclass(frozen=True)
class Draw:
    """A number of candidates in an order; it decides who is asked first, and not what the review is."""

    order: str | None  # of `ORDERS`; None for the most suspicious first, or the file's order without scores
    count: int | None  # the first of them; None for all
    seed: int  # of a random order

    def drawn(self, table: pd.DataFrame, *, source: str) -> pd.DataFrame:
        """The drawn rows of a table with the columns ``score``, P(real), and ``suspicion``, NaN for a gap.

        Uncertain is a score close to one half; where several networks looked, more ``agreeing`` ones are more
        suspicious, whatever the suspicion. Candidates without a score come last. Raises a `ContractError`
        if no candidate has what the order needs.
        """
        # a suspicion is 1 at most, and so decides between equal numbers of networks alone
        suspicion = table["suspicion"] + table.get("agreeing", 0)
        column = {SUSPICION: suspicion, UNCERTAINTY: -(table["score"] - 0.5).abs()}
        order = self.order or (SUSPICION if table["suspicion"].notna().any() else FILE)
        if order in column:
            if column[order].isna().all():
                raise ContractError(
                    f"{source}: --order {order} needs {SCORES[order]} of the candidates, and there is none. "
                    "Review the candidates of the DES study, add --scores FILE, or take --order random."
                )
            table = table.loc[column[order].sort_values(ascending=False, kind="stable").index]
        elif order == RANDOM:
            table = table.iloc[np.random.default_rng(self.seed).permutation(len(table))]
        return table[: self.count]


EVERYTHING = Draw(None, None, 0)
