"""Makes reports/pages/templates/math_font.css: the font of the formulas in pages, as a part of it.

    pip install fonttools brotli
    python .ci/math_font.py STIXTwoMath.ttf

The source is STIX Two Math 2.12 (SIL Open Font License 1.1, beside the result), a font with a MATH
table, from https://github.com/stipub/stixfonts.  What is kept are the characters that formulas of
reports and audits are made of, with the sizes that brackets, roots and sums grow to.
"""

from __future__ import annotations

import base64
import io
import sys
from itertools import groupby
from pathlib import Path

from fontTools import subset

OUT = Path(__file__).resolve().parents[1] / "reports/pages/templates/math_font.css"
FAMILY = "Gradproof Math"
GREEK = "ΓΔΘΛΞΠΣΦΨΩαβγδεζηθικλμνξπρστυφχψωϵϑϕϱ"
SIGNS = ("±×·÷⋅∘∗⊙⊘⊗⊕≤≥≠≈≡∝∈∉∀∃∞∂∇∑∏∫√∥‖⟨⟩⌊⌋⌈⌉←→↦⇒⊤⊥…⋯⋮⋱′″‴ˆ˜¯˙¨ℓℝ⁄−∖∪∩⊂⊆≪≫∼¬∧∨≻⪰⊺∣"
         "⏞⏟𝟏𝟙𝔼ℙ𝒩ℒ\u0302\u0303\u0304\u0305\u0307\u0308\u20d7\u2061\u2062\u2063\u2207")
ITALIC = "".join(map(chr, [*range(0x1D434, 0x1D468), *range(0x1D6E2, 0x1D71C)])) + "ℎ"
BOLD = "".join(map(chr, range(0x1D400, 0x1D434)))


def ranges(points: set[int]) -> str:
    """U+20-7E,U+D7: what the rule is for; other characters are set in other fonts."""
    runs = []
    for _, run in groupby(enumerate(sorted(points)), lambda at: at[1] - at[0]):
        each = [point for _, point in run]
        runs.append(f"U+{each[0]:X}" if len(each) == 1 else f"U+{each[0]:X}-{each[-1]:X}")
    return ",".join(runs)


def main(source: str) -> None:
    options = subset.Options()
    options.flavor, options.hinting, options.layout_features = "woff2", False, []
    options.notdef_outline, options.name_IDs = True, [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.drop_tables += ["DSIG", "GPOS", "GSUB", "GDEF"]
    font = subset.load_font(source, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text="".join(map(chr, range(0x20, 0x7F))) + GREEK + SIGNS + ITALIC + BOLD)
    subsetter.subset(font)
    for at, name in ((1, FAMILY), (3, FAMILY + " subset"), (4, FAMILY),
                     (6, FAMILY.replace(" ", ""))):
        font["name"].setName(name, at, 3, 1, 0x409)
    rights = font["name"].getDebugName(0).partition(" (")[0]
    points = set(font.getBestCmap())
    font.recalcTimestamp = False
    file = io.BytesIO()
    subset.save_font(font, file, options)
    data = base64.b64encode(file.getvalue()).decode()
    OUT.write_text(
        f"/* A part of STIX Two Math. {rights}; SIL Open Font License 1.1 */\n"
        f'@font-face {{ font-family: "{FAMILY}"; src: url(data:font/woff2;base64,{data}) '
        f'format("woff2"); unicode-range: {ranges(points)}; }}\n', encoding="utf-8")
    print(f"{len(points)} characters, {len(file.getvalue())} bytes, {OUT.stat().st_size} of CSS")


if __name__ == "__main__":
    main(sys.argv[1])
