//! The invented people and companies that the sample data of all systems is drawn from.
//!
//! Names are put together from lists, so nobody real is meant; every address is at an `example`
//! domain.

use crate::util::ids::Source;

const FIRST: &[&str] = &[
    "Ada", "Åse", "Bjørn", "Brita", "Dagny", "Eilif", "Elin", "Embla", "Freja", "Frode", "Gro",
    "Gunnar", "Håkon", "Hedda", "Inga", "Ivar", "Jørgen", "Jytte", "Kaisa", "Kjersti", "Lars",
    "Liv", "Märta", "Mikkel", "Nils", "Oda", "Ørjan", "Pia", "Ragnhild", "Rasmus", "Signe",
    "Sindre", "Solveig", "Sølvi", "Tuva", "Tyra", "Ulrik", "Väinö", "Vilde", "Yngve",
];
const LAST: &[&str] = &[
    "Aasen",
    "Alfheim",
    "Bakkedal",
    "Berg",
    "Björkman",
    "Brekke",
    "Dalsbø",
    "Ekström",
    "Elvestad",
    "Fjeldstrøm",
    "Fossvik",
    "Granheim",
    "Grønlien",
    "Hålogaland",
    "Hægstad",
    "Isdahl",
    "Kallevåg",
    "Kvernmo",
    "Lindqvist",
    "Lønning",
    "Mjøen",
    "Møllerup",
    "Myrvold",
    "Niemelä",
    "Nygård",
    "Østberg",
    "Ravnås",
    "Rønneberg",
    "Sæther",
    "Skogheim",
    "Sørby",
    "Solbakk",
    "Strömstad",
    "Tveitane",
    "Ulvestad",
    "Vågen",
    "Vestergaard",
    "Ytterøy",
];
/// What is sold, with its price.
pub(super) const ARTICLES: &[(&str, u32)] = &[
    ("Ullgenser", 1190),
    ("Turkopp i bjørk", 349),
    ("Lysestake", 449),
    ("Fiskesuppe på boks", 89),
    ("Strikkepinner", 129),
    ("Reinskinn", 1590),
    ("Kaffekvern", 799),
    ("Tovet tøffel", 549),
];
const COMPANY: &[(&str, &str, &str)] = &[
    // Name, domain, city.
    ("Fjellheim Service AS", "fjellheim.example.no", "Oslo"),
    ("Nordlys Trelast AS", "nordlys-trelast.example.no", "Tromsø"),
    ("Blåfjell Regnskap AS", "blafjell.example.no", "Bergen"),
    ("Skjærgård Båt & Motor AS", "skjaergard.example.no", "Tønsberg"),
    ("Ørret og Laks ANS", "orretoglaks.example.no", "Ålesund"),
    ("Västkusten Fastigheter AB", "vastkusten.example.com", "Göteborg"),
    ("Kvikk Bakeri AS", "kvikkbakeri.example.no", "Hamar"),
    ("Møllebakken Legesenter", "mollebakken.example.no", "Moss"),
    ("Polarlys Reiser AS", "polarlys.example.no", "Bodø"),
    ("Sønderby Møbler ApS", "sonderby.example.com", "Aarhus"),
    ("Havgapet Tauverk AS", "havgapet.example.no", "Haugesund"),
    ("Grønn Energi Hallingdal AS", "gronnenergi.example.no", "Gol"),
    ("Järnbruket Verkstad AB", "jarnbruket.example.com", "Västerås"),
    ("Tyttebær Design", "tyttebaer.example.no", "Lillehammer"),
    ("Kystens Hus AS", "kystenshus.example.no", "Kristiansund"),
    ("Saimaan Sahat Oy", "saimaansahat.example.com", "Lappeenranta"),
    ("Elveparken Eiendom AS", "elveparken.example.no", "Drammen"),
    ("Rimfrost Kjøleteknikk AS", "rimfrost.example.no", "Alta"),
    ("Vestvind Seilmakeri", "vestvind.example.no", "Stavanger"),
    ("Lyngheia Vin & Brød AS", "lyngheia.example.no", "Arendal"),
    ("Hvalstrand Bad AS", "hvalstrand.example.no", "Asker"),
    ("Trollstigen Adventure AS", "trollstigen.example.no", "Åndalsnes"),
    ("Øresund Logistik ApS", "oresundlogistik.example.com", "København"),
    ("Mjøsa Print & Papir AS", "mjosaprint.example.no", "Gjøvik"),
];

/// A company.
pub(super) struct Company {
    pub name: &'static str,
    pub domain: &'static str,
    pub city: &'static str,
    pub org_number: String,
}

/// A person as the world knows them; what each system has of it differs.
pub(super) struct Person {
    pub first: &'static str,
    pub last: &'static str,
    /// None for the few whose address nobody wrote down.
    pub email: Option<String>,
    /// A second, private address of some.
    pub private_email: Option<String>,
    /// Eight digits, Norwegian.
    pub phone: String,
    pub mobile: String,
    /// Index of the company.
    pub company: Option<usize>,
}

pub(super) struct Cast {
    pub companies: Vec<Company>,
    pub people: Vec<Person>,
}

/// How many people there are.
pub(super) const PEOPLE: usize = 200;
/// The first so many work for the first company, whose systems these are.
pub(super) const STAFF: usize = 8;

impl Cast {
    /// The same seed gives the same cast.
    pub fn new(seed: u64) -> Self {
        let mut source = Source::new(seed, "cast");
        let companies: Vec<Company> = COMPANY
            .iter()
            .map(|(name, domain, city)| Company {
                name,
                domain,
                city,
                org_number: format!("9{:08}", source.below(100_000_000)),
            })
            .collect();
        // Every pair of names is used once: a walk through all of them in steps that share no
        // factor with their number.
        let (start, pairs) = (source.below(1000) as usize, FIRST.len() * LAST.len());
        let people = (0..PEOPLE)
            .map(|n| {
                let at = (start + n * 571) % pairs;
                let (first, last) = (FIRST[at % FIRST.len()], LAST[at / FIRST.len()]);
                let company = match n {
                    n if n < STAFF => Some(0),
                    _ if source.chance(70) => {
                        Some(1 + source.below(companies.len() as u64 - 1) as usize)
                    }
                    _ => None,
                };
                let name = format!("{}.{}", plain(first), plain(last));
                let private =
                    format!("{name}@{}", ["example.com", "example.no", "example.org"][n % 3]);
                let work = company.map(|index| format!("{name}@{}", companies[index].domain));
                let missing = n >= STAFF && source.chance(7);
                Person {
                    first,
                    last,
                    email: (!missing).then(|| work.clone().unwrap_or_else(|| private.clone())),
                    private_email: (work.is_some() && !missing && source.chance(25))
                        .then_some(private),
                    phone: format!("{}{:07}", 2 + source.below(6), source.below(10_000_000)),
                    mobile: format!(
                        "{}{:07}",
                        if source.chance(50) { 4 } else { 9 },
                        source.below(10_000_000)
                    ),
                    company,
                }
            })
            .collect();
        Self { companies, people }
    }
}

/// A name as it stands in an address.
fn plain(name: &str) -> String {
    name.to_lowercase()
        .chars()
        .map(|c| match c {
            'å' | 'ä' => 'a',
            'ø' | 'ö' => 'o',
            'æ' => 'e',
            'é' => 'e',
            other => other,
        })
        .collect()
}

/// One number in the many ways in which people type it.
pub(super) fn written(number: &str, style: u64) -> String {
    let part = |from: usize, to: usize| &number[from..to];
    match style % 6 {
        0 => format!("+47 {} {} {} {}", part(0, 2), part(2, 4), part(4, 6), part(6, 8)),
        1 => number.to_owned(),
        2 => format!("+47{number}"),
        3 => format!("{} {} {}", part(0, 3), part(3, 5), part(5, 8)),
        4 => format!("0047 {} {}", part(0, 4), part(4, 8)),
        _ => format!("(+47) {}-{}-{}-{}", part(0, 2), part(2, 4), part(4, 6), part(6, 8)),
    }
}
