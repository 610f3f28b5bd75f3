//! Countries, as far as telephone numbers need them: which code a number of the country begins with
//! from abroad, and what is dialled before it at home.

use serde::{Deserialize, Serialize};

use crate::matching::comes_before;

/// A country, by its two letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Region([u8; 2]);

/// Country, calling code, what is dialled before a number at home, and how many digits a number has
/// where all have as many (else 0).
type Plan = (&'static str, &'static str, &'static str, usize);

#[rustfmt::skip]
const PLANS: &[Plan] = &[
    ("AD", "376", "", 0), ("AE", "971", "0", 0), ("AF", "93", "0", 9), ("AG", "1", "1", 10), ("AI", "1", "1", 10),
    ("AL", "355", "0", 0), ("AM", "374", "0", 8), ("AO", "244", "", 9), ("AR", "54", "0", 0), ("AS", "1", "1", 10),
    ("AT", "43", "0", 0), ("AU", "61", "0", 9), ("AW", "297", "", 7), ("AX", "358", "0", 0), ("AZ", "994", "0", 9),
    ("BA", "387", "0", 0), ("BB", "1", "1", 10), ("BD", "880", "0", 0), ("BE", "32", "0", 0), ("BF", "226", "", 8),
    ("BG", "359", "0", 0), ("BH", "973", "", 8), ("BI", "257", "", 8), ("BJ", "229", "", 0), ("BL", "590", "0", 9),
    ("BM", "1", "1", 10), ("BN", "673", "", 7), ("BO", "591", "0", 8), ("BQ", "599", "", 7), ("BR", "55", "0", 0),
    ("BS", "1", "1", 10), ("BT", "975", "", 0), ("BW", "267", "", 0), ("BY", "375", "8", 9), ("BZ", "501", "", 7),
    ("CA", "1", "1", 10), ("CD", "243", "0", 9), ("CF", "236", "", 8), ("CG", "242", "", 9), ("CH", "41", "0", 9),
    ("CI", "225", "", 10), ("CK", "682", "", 5), ("CL", "56", "", 9), ("CM", "237", "", 9), ("CN", "86", "0", 0),
    ("CO", "57", "", 10), ("CR", "506", "", 8), ("CU", "53", "0", 8), ("CV", "238", "", 7), ("CW", "599", "", 0),
    ("CY", "357", "", 8), ("CZ", "420", "", 9), ("DE", "49", "0", 0), ("DJ", "253", "", 8), ("DK", "45", "", 8),
    ("DM", "1", "1", 10), ("DO", "1", "1", 10), ("DZ", "213", "0", 0), ("EC", "593", "0", 0), ("EE", "372", "", 0),
    ("EG", "20", "0", 0), ("ER", "291", "0", 7), ("ES", "34", "", 9), ("ET", "251", "0", 9), ("FI", "358", "0", 0),
    ("FJ", "679", "", 7), ("FK", "500", "", 5), ("FM", "691", "", 7), ("FO", "298", "", 6), ("FR", "33", "0", 9),
    ("GA", "241", "0", 0), ("GB", "44", "0", 0), ("GD", "1", "1", 10), ("GE", "995", "0", 9), ("GF", "594", "0", 9),
    ("GG", "44", "0", 0), ("GH", "233", "0", 9), ("GI", "350", "", 8), ("GL", "299", "", 6), ("GM", "220", "", 7),
    ("GN", "224", "", 9), ("GP", "590", "0", 9), ("GQ", "240", "", 9), ("GR", "30", "", 10), ("GT", "502", "", 8),
    ("GU", "1", "1", 10), ("GW", "245", "", 9), ("GY", "592", "", 7), ("HK", "852", "", 8), ("HN", "504", "", 8),
    ("HR", "385", "0", 0), ("HT", "509", "", 8), ("HU", "36", "06", 0), ("ID", "62", "0", 0), ("IE", "353", "0", 0),
    ("IL", "972", "0", 0), ("IM", "44", "0", 0), ("IN", "91", "0", 10), ("IQ", "964", "0", 0), ("IR", "98", "0", 10),
    ("IS", "354", "", 7), ("IT", "39", "", 0), ("JE", "44", "0", 0), ("JM", "1", "1", 10), ("JO", "962", "0", 0),
    ("JP", "81", "0", 0), ("KE", "254", "0", 0), ("KG", "996", "0", 9), ("KH", "855", "0", 0), ("KI", "686", "0", 0),
    ("KM", "269", "", 7), ("KN", "1", "1", 10), ("KP", "850", "0", 0), ("KR", "82", "0", 0), ("KW", "965", "", 8),
    ("KY", "1", "1", 10), ("KZ", "7", "8", 10), ("LA", "856", "0", 0), ("LB", "961", "0", 0), ("LC", "1", "1", 10),
    ("LI", "423", "", 7), ("LK", "94", "0", 9), ("LR", "231", "0", 0), ("LS", "266", "", 8), ("LT", "370", "0", 8),
    ("LU", "352", "", 0), ("LV", "371", "", 8), ("LY", "218", "0", 9), ("MA", "212", "0", 9), ("MC", "377", "", 0),
    ("MD", "373", "0", 8), ("ME", "382", "0", 8), ("MF", "590", "0", 9), ("MG", "261", "0", 9), ("MH", "692", "1", 7),
    ("MK", "389", "0", 8), ("ML", "223", "", 8), ("MM", "95", "0", 0), ("MN", "976", "0", 8), ("MO", "853", "", 8),
    ("MP", "1", "1", 10), ("MQ", "596", "0", 9), ("MR", "222", "", 8), ("MS", "1", "1", 10), ("MT", "356", "", 8),
    ("MU", "230", "", 0), ("MV", "960", "", 7), ("MW", "265", "0", 0), ("MX", "52", "", 10), ("MY", "60", "0", 0),
    ("MZ", "258", "", 0), ("NA", "264", "0", 0), ("NC", "687", "", 6), ("NE", "227", "", 8), ("NF", "672", "", 6),
    ("NG", "234", "0", 0), ("NI", "505", "", 8), ("NL", "31", "0", 9), ("NO", "47", "", 8), ("NP", "977", "0", 0),
    ("NR", "674", "", 7), ("NU", "683", "", 0), ("NZ", "64", "0", 0), ("OM", "968", "", 8), ("PA", "507", "", 0),
    ("PE", "51", "0", 0), ("PF", "689", "", 8), ("PG", "675", "", 0), ("PH", "63", "0", 10), ("PK", "92", "0", 10),
    ("PL", "48", "", 9), ("PM", "508", "0", 6), ("PR", "1", "1", 10), ("PS", "970", "0", 0), ("PT", "351", "", 9),
    ("PW", "680", "", 7), ("PY", "595", "0", 0), ("QA", "974", "", 8), ("RE", "262", "0", 9), ("RO", "40", "0", 9),
    ("RS", "381", "0", 0), ("RU", "7", "8", 10), ("RW", "250", "0", 9), ("SA", "966", "0", 9), ("SB", "677", "", 0),
    ("SC", "248", "", 7), ("SD", "249", "0", 9), ("SE", "46", "0", 0), ("SG", "65", "", 8), ("SH", "290", "", 5),
    ("SI", "386", "0", 8), ("SJ", "47", "", 8), ("SK", "421", "0", 9), ("SL", "232", "0", 8), ("SM", "378", "", 0),
    ("SN", "221", "", 9), ("SO", "252", "0", 0), ("SR", "597", "", 0), ("SS", "211", "0", 9), ("ST", "239", "", 7),
    ("SV", "503", "", 8), ("SX", "1", "1", 10), ("SY", "963", "0", 0), ("SZ", "268", "", 8), ("TC", "1", "1", 10),
    ("TD", "235", "", 8), ("TG", "228", "", 8), ("TH", "66", "0", 0), ("TJ", "992", "", 9), ("TK", "690", "", 0),
    ("TL", "670", "", 0), ("TM", "993", "8", 8), ("TN", "216", "", 8), ("TO", "676", "", 0), ("TR", "90", "0", 10),
    ("TT", "1", "1", 10), ("TV", "688", "", 0), ("TW", "886", "0", 0), ("TZ", "255", "0", 9), ("UA", "380", "0", 9),
    ("UG", "256", "0", 9), ("US", "1", "1", 10), ("UY", "598", "0", 8), ("UZ", "998", "", 9), ("VA", "39", "", 0),
    ("VC", "1", "1", 10), ("VE", "58", "0", 10), ("VG", "1", "1", 10), ("VI", "1", "1", 10), ("VN", "84", "0", 0),
    ("VU", "678", "", 0), ("WF", "681", "", 6), ("WS", "685", "", 0), ("XK", "383", "0", 8), ("YE", "967", "0", 9),
    ("YT", "262", "0", 9), ("ZA", "27", "0", 9), ("ZM", "260", "0", 9), ("ZW", "263", "0", 0),
];

/// They are looked up by halves.
const _: () = {
    let mut at = 1;
    while at < PLANS.len() {
        assert!(comes_before(PLANS[at - 1].0, PLANS[at].0), "PLANS is not sorted by country");
        at += 1;
    }
};

impl Region {
    /// The country of these two capital letters; `None` for a code that no country has.
    pub fn parse(code: &str) -> Option<Region> {
        let place = PLANS.binary_search_by_key(&code, |plan| plan.0).ok()?;
        let code = PLANS[place].0.as_bytes();
        Some(Region([code[0], code[1]]))
    }

    /// Its two letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    fn plan(self) -> Plan {
        let place = PLANS.binary_search_by_key(&self.code(), |plan| plan.0);
        place.map_or(("", "", "", 0), |place| PLANS[place])
    }

    /// A number that names no country, given as digits: as it is dialled from abroad.
    pub fn international(self, digits: &str) -> String {
        let (_, code, trunk, length) = self.plan();
        let is_long_enough = |rest: &str| length == 0 || rest.len() >= length;
        // The country's code may stand there without its sign, where the length of numbers tells it
        // from other digits.
        if length > 0 && digits.len() == code.len() + length && digits.starts_with(code) {
            return format!("+{digits}");
        }
        let bare = match digits.strip_prefix(trunk) {
            Some(rest) if !trunk.is_empty() && rest.len() >= 3 && is_long_enough(rest) => rest,
            _ => digits,
        };
        format!("+{code}{bare}")
    }
}

impl std::fmt::Display for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_found_by_their_letters() {
        assert!(
            PLANS
                .iter()
                .all(|plan| Region::parse(plan.0).is_some_and(|region| region.code() == plan.0))
        );
        for code in ["no", "XX", "N", "", "NOR", "ÅÅ"] {
            assert_eq!(Region::parse(code), None, "{code}");
        }
    }

    #[test]
    fn l2_a_number_without_a_country_is_one_of_the_region() {
        for (region, digits, expected) in [
            ("NO", "22000001", "+4722000001"),
            ("NO", "4722000001", "+4722000001"),
            ("DK", "45123456", "+4545123456"),
            ("SE", "0812345678", "+46812345678"),
            ("FI", "0401234567", "+358401234567"),
            ("GB", "02079460000", "+442079460000"),
            ("IT", "0612345678", "+390612345678"),
            ("US", "12125550100", "+12125550100"),
            ("US", "2125550100", "+12125550100"),
            ("HU", "0612345678", "+3612345678"),
        ] {
            assert_eq!(
                Region::parse(region).unwrap().international(digits),
                expected,
                "{region} {digits}"
            );
        }
    }
}
