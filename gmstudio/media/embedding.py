"""Metadata in picture files of several formats: text chunks, EXIF, comments, the metadata element of an SVG.

PNG has a text chunk for each keyword; elsewhere all keywords are one JSON object: in a GIF's comment, in the field
``ImageDescription`` of the EXIF of JPEG and WebP, in ``<metadata id="gmstudio">`` of an SVG, in the XMP of a PDF.
"""

import html
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gmstudio.media.provenance import MAX_TEXT

if TYPE_CHECKING:
    from PIL import Image

PICTURE_FORMS: dict[str, str] = {".png": "PNG", ".webp": "WEBP", ".jpg": "JPEG", ".jpeg": "JPEG", ".gif": "GIF"}
"""Suffix → name of the format, of pictures that can be written."""
DESCRIPTION_TAG = 0x010E
MAX_EXIF = 60_000
"""Bytes of the EXIF of a JPEG, whose segments have at most 64 KiB."""
MAX_HEAD = 4 << 20
"""Bytes at the beginning of an SVG or a PDF in which the metadata are looked for."""
_ELEMENT = re.compile(rb'<metadata id="gmstudio">(.*?)</metadata>', re.DOTALL)
_XMP_ELEMENT = re.compile(rb"<gmstudio:texts>(.*?)</gmstudio:texts>", re.DOTALL)
_XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:gmstudio="urn:gmstudio:"><gmstudio:texts>{}</gmstudio:texts></rdf:Description></rdf:RDF></x:xmpmeta>'
    '<?xpacket end="r"?>'
)
_DESCRIBED = re.compile(rb"</desc>|<desc/>")


def save_picture(picture: "Image.Image", path: Path, texts: Mapping[str, str], suffix: str = "") -> None:
    """Write a picture with keywords and texts in its metadata; WebP without loss, JPEG with little.

    Args:
        picture: grey or RGB.
        path: the file.
        texts: keyword → text.
        suffix: that decides on the format, where it is not that of ``path``.

    Raises:
        ValueError: for another suffix, or texts that are too long for the format.
        OSError: when it cannot be written.
    """
    form = PICTURE_FORMS.get((suffix or path.suffix).lower())
    if form is None:
        raise ValueError(f"{path.name} is no name of a picture; end it in {', '.join(PICTURE_FORMS)}.")
    if form == "PNG":
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        for keyword, text in texts.items():
            info.add_text(keyword, text)
        picture.save(path, format=form, pnginfo=info)
    elif form == "GIF":
        picture.save(path, format=form, comment=_json(texts))
    else:
        settings: dict[str, int | bool] = {"lossless": True} if form == "WEBP" else {"quality": 95, "subsampling": 0}
        picture.save(path, format=form, exif=_exif(texts, form, path), **settings)


def _exif(texts: Mapping[str, str], form: str, path: Path) -> bytes:
    from PIL import Image

    exif = Image.Exif()
    exif[DESCRIPTION_TAG] = _json(texts).decode("ascii")
    content = exif.tobytes()
    if form == "JPEG" and len(content) > MAX_EXIF:
        raise ValueError(
            f"The codes and settings of {path.name} take {len(content):,} bytes; a JPEG holds {MAX_EXIF:,}. Save it as "
            "PNG or WebP."
        )
    return content


def described_texts(text: object) -> dict[str, str]:
    """Parse one JSON object of texts; empty when it is something else, or too long."""
    if isinstance(text, str):
        text = text.encode("utf-8", "replace")
    if not isinstance(text, bytes) or len(text) > 2 * MAX_TEXT:
        return {}
    try:
        return msgspec.json.decode(text, type=dict[str, str])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return {}


def svg_with_texts(svg: bytes, texts: Mapping[str, str]) -> bytes:
    """Put keywords and texts into the metadata of an SVG, behind its description."""
    if not texts:
        return svg
    element = f'<metadata id="gmstudio">{html.escape(_json(texts).decode("ascii"))}</metadata>'.encode("ascii")
    found = _DESCRIBED.search(svg)
    if found is None:
        raise ValueError("This is no SVG with a description.")
    return svg[: found.end()] + b"\n" + element + svg[found.end() :]


def svg_texts(path: Path) -> dict[str, str]:
    """Read the keywords and texts of an SVG; empty where there are none. No XML is parsed, so no entity is expanded."""
    return _element_texts(path, _ELEMENT)


def xmp_of(texts: Mapping[str, str]) -> bytes:
    """Write keywords and texts as the XMP metadata of a PDF."""
    return _XMP.format(html.escape(_json(texts).decode("ascii"))).encode()


def pdf_texts(path: Path) -> dict[str, str]:
    """Read the keywords and texts of a PDF; empty where there are none."""
    return _element_texts(path, _XMP_ELEMENT)


def _element_texts(path: Path, element: re.Pattern[bytes]) -> dict[str, str]:
    with path.open("rb") as file:
        found = element.search(file.read(MAX_HEAD))
    return {} if found is None else described_texts(html.unescape(found[1].decode("utf-8", "replace")))


def _json(texts: Mapping[str, str]) -> bytes:
    """One JSON object in ASCII: EXIF texts have no other letters."""
    return json.dumps(dict(texts)).encode("ascii")
