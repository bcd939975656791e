"""SNOMED CT codes of the tissues, as segmentations carry them in Slicer and in DICOM."""

from __future__ import annotations

from .tissue import CLASSES, HEAD_CLASSES, Tissue

# A code and its meaning.
Term = tuple[str, str]

_TISSUE = ("85756007", "Tissue")
_ANATOMY = ("123037004", "Anatomical Structure")
_SUBSTANCE = ("91720002", "Body Substance")
# Category and type of each tissue; all but marrow are in Slicer's lists of segment types.
TERMS: dict[Tissue, tuple[Term, Term]] = {
    Tissue.SKIN: (_TISSUE, ("39937001", "Skin")),
    Tissue.FAT: (_TISSUE, ("248300009", "Body fat")),
    Tissue.MUSCLE: (_TISSUE, ("71616004", "Muscle")),
    Tissue.BONE: (_TISSUE, ("272673000", "Bone")),
    Tissue.MARROW: (_TISSUE, ("14016003", "Bone marrow")),
    Tissue.GREY_MATTER: (_ANATOMY, ("389081007", "Gray Matter")),
    Tissue.WHITE_MATTER: (_ANATOMY, ("389080008", "White Matter")),
    Tissue.CSF: (_ANATOMY, ("65216001", "Cerebrospinal Fluid")),
    Tissue.AIR: (_SUBSTANCE, ("74947009", "Gas")),
    Tissue.LUNG: (_ANATOMY, ("39607008", "Lung")),
    Tissue.BLOOD: (_SUBSTANCE, ("87612001", "Blood")),
    Tissue.OTHER: (_TISSUE, ("85756007", "Tissue")),
    Tissue.HEART: (_ANATOMY, ("74281007", "Myocardium")),
    Tissue.LIVER: (_ANATOMY, ("10200004", "Liver")),
    Tissue.KIDNEY: (_ANATOMY, ("64033007", "Kidney")),
    Tissue.SPLEEN: (_ANATOMY, ("78961009", "Spleen")),
    Tissue.BOWEL: (_ANATOMY, ("113276009", "Intestine")),
    Tissue.CARTILAGE: (_TISSUE, ("309312004", "Cartilage")),
    Tissue.GLAND: (_ANATOMY, ("134358001", "Gland")),
}
ORGAN_OR_BLOOD = (_TISSUE, ("113343008", "Organ"))


def tissue_terms(tissue: Tissue, classes: int = CLASSES) -> tuple[Term, Term]:
    """Category and type of a tissue in the results of a model of so many classes."""
    if tissue == Tissue.BLOOD and classes == HEAD_CLASSES:
        return ORGAN_OR_BLOOD  # such models do not tell the organs apart
    return TERMS[tissue]
