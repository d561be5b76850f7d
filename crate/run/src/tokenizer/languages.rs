//! The languages of mBART, as tokens behind the pieces of its vocabulary.

use super::class::Class;

/// In the order of their ids: the first of them are those of the first mBART, all are those of the second.
#[rustfmt::skip]
const CODES: [&str; 52] = [
    "ar_AR", "cs_CZ", "de_DE", "en_XX", "es_XX", "et_EE", "fi_FI", "fr_XX", "gu_IN", "hi_IN", "it_IT",
    "ja_XX", "kk_KZ", "ko_KR", "lt_LT", "lv_LV", "my_MM", "ne_NP", "nl_XX", "ro_RO", "ru_RU", "si_LK",
    "tr_TR", "vi_VN", "zh_CN", "af_ZA", "az_AZ", "bn_IN", "fa_IR", "he_IL", "hr_HR", "id_ID", "ka_GE",
    "km_KH", "mk_MK", "ml_IN", "mn_MN", "mr_IN", "pl_PL", "ps_AF", "pt_XX", "sv_SE", "sw_KE", "ta_IN",
    "te_IN", "th_TH", "tl_XX", "uk_UA", "ur_PK", "xh_ZA", "gl_ES", "sl_SI",
];

/// How many languages the first one has.
const FIRST: usize = 25;

/// The languages of a class.
pub(super) fn codes(class: Class) -> &'static [&'static str] {
    match class {
        Class::MBart => &CODES[..FIRST],
        Class::MBart50 => &CODES,
        _ => &[],
    }
}
