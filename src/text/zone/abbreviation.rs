//! Abbreviations of time zones: PostgreSQL's set `Default`, in lower case.
//!
//! Most stand for an offset whatever the date, so that `cet` is one hour east in summer too; some stand for what a
//! region meant by them at the moment.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What an abbreviation stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Abbreviation {
    /// Seconds east of Greenwich.
    Fixed(i32),
    /// The name of the region whose clocks it names.
    Of(&'static str),
}

/// The abbreviation of that name in lower case; `None` when there is none.
pub(crate) fn find(word: &str) -> Option<Abbreviation> {
    /// The words of both lists.
    static ALL: LazyLock<HashMap<&str, Abbreviation>> = LazyLock::new(|| {
        let fixed = FIXED.iter().map(|(east, words)| (Abbreviation::Fixed(*east), *words));
        let regional = REGIONAL.iter().map(|(region, words)| (Abbreviation::Of(region), *words));
        fixed.chain(regional).flat_map(|(meaning, words)| words.split(' ').map(move |word| (word, meaning))).collect()
    });
    ALL.get(word).copied()
}

/// Seconds east of Greenwich, and the abbreviations for them.
#[rustfmt::skip]
const FIXED: &[(i32, &str)] = &[
    (-36_000, "hst taht"),
    (-34_200, "mart"),
    (-32_400, "akst gamt"),
    (-28_800, "akdt pst"),
    (-25_200, "mst pdt"),
    (-21_600, "cst galt mdt"),
    (-18_000, "act cdt cot est pet"),
    (-14_400, "amt ast bot edt"),
    (-12_600, "nft nst"),
    (-10_800, "adt bra brt clst gft pmst pyst uyt wgt"),
    (-9_000, "ndt"),
    (-7_200, "brst fnt pmdt uyst wgst"),
    (-3_600, "azot egt fnst"),
    (0, "azost egst gmt uct ut utc wet z zulu"),
    (3_600, "bst cet met mez wat wetdst"),
    (7_200, "bdst cest cetdst eet ist mest mesz metdst sast"),
    (10_800, "eat eest eetdst fet idt"),
    (12_600, "irt"),
    (14_400, "msd mut ret sct"),
    (16_200, "aft"),
    (18_000, "must mvt pkt tft tjt uzt"),
    (20_700, "npt"),
    (21_600, "almt bdt btt kgst pkst uzst xjt yekst"),
    (23_400, "mmt"),
    (25_200, "almst cxt ict wast"),
    (28_800, "awst bnt bort cct hkt myt pht wadt"),
    (31_500, "acwst"),
    (32_400, "awsst jayt jst kst pwt ulast wdt"),
    (34_200, "acst cast"),
    (36_000, "aest chut ddut kdt ligt mpt pgt trut yapt"),
    (37_800, "acdt acsst cadt lhst sadt"),
    (39_600, "aedt aesst pont vut"),
    (43_200, "fjt gilt mht nzst nzt tvt wakt wft"),
    (45_900, "chast"),
    (46_800, "fjst nzdt tot"),
    (49_500, "chadt"),
];

/// Regions, and the abbreviations that mean what they meant there.
#[rustfmt::skip]
const REGIONAL: &[(&str, &str)] = &[
    ("America/Argentina/Buenos_Aires", "art arst"),
    ("America/Asuncion", "pyt"),
    ("America/Caracas", "vet"),
    ("America/Guyana", "gyt"),
    ("America/Santiago", "clt"),
    ("Antarctica/Davis", "davt"),
    ("Antarctica/Mawson", "mawt"),
    ("Asia/Anadyr", "anast anat"),
    ("Asia/Ashgabat", "tmt"),
    ("Asia/Baku", "azst azt"),
    ("Asia/Bishkek", "kgt"),
    ("Asia/Colombo", "lkt"),
    ("Asia/Irkutsk", "irkst irkt"),
    ("Asia/Kamchatka", "petst pett"),
    ("Asia/Krasnoyarsk", "krast krat"),
    ("Asia/Magadan", "magst magt"),
    ("Asia/Novosibirsk", "novst novt"),
    ("Asia/Omsk", "omsst omst"),
    ("Asia/Singapore", "sgt"),
    ("Asia/Tbilisi", "gest get"),
    ("Asia/Ulaanbaatar", "ulat"),
    ("Asia/Vladivostok", "vlast vlat"),
    ("Asia/Yakutsk", "yakst yakt"),
    ("Asia/Yekaterinburg", "yekt"),
    ("Asia/Yerevan", "amst"),
    ("Atlantic/Stanley", "fkst fkt"),
    ("Australia/Lord_Howe", "lhdt"),
    ("Europe/Moscow", "msk"),
    ("Europe/Volgograd", "volt"),
    ("Indian/Chagos", "iot"),
    ("Pacific/Easter", "easst east"),
    ("Pacific/Fakaofo", "tkt"),
    ("Pacific/Kiritimati", "lint"),
    ("Pacific/Kosrae", "kost"),
    ("Pacific/Niue", "nut"),
    ("Pacific/Rarotonga", "ckt"),
];
