//! The fixed wording of the statements, and how it is recognised.
//!
//! Each sentence is a template of literal words and slots. A text is compared with it word by
//! word: white space, line breaks, the case of the literal words and the closing full stop do not
//! matter. Names are first expected to be those of the section's heading (they may hold any words,
//! also ones that look like the template's); where that fails, the slots take what stands there,
//! and it is left to `section` to decide what a sentence about other names means.

use std::ops::Range;

use crate::names::TypeName;
use crate::statement::StatementKind;
use crate::words::Word;

/// The sentences of `docs/documents.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sentence {
    Every,
    Condition,
    LinkOnly,
    Connected,
    Merges,
    Creates,
    Match,
    KeepInSync,
    Properties,
}

/// What a slot stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    From,
    To,
    Connected,
    System,
}

use Slot::{Connected as C, From as A, System as S, To as B};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Words(&'static str),
    Slot(Slot),
}

use Piece::{Slot as Hole, Words};

/// The sentences that begin with words of their own; each ends with the given mark.
const TEMPLATES: [(Sentence, &[Piece], char); 8] = [
    (
        Sentence::Every,
        &[Words("Every"), Hole(A), Words("will be synchronized with a"), Hole(B)],
        '.',
    ),
    (
        Sentence::LinkOnly,
        &[
            Words("Before any synchronization can take place, a link between a"),
            Hole(A),
            Words("and a"),
            Hole(B),
            Words("must be established"),
        ],
        '.',
    ),
    (
        Sentence::Connected,
        &[
            Words("A new"),
            Hole(B),
            Words("will be created from a"),
            Hole(A),
            Words("if it is connected to a"),
            Hole(C),
            Words("that is synchronized into"),
            Hole(S),
        ],
        '.',
    ),
    (
        Sentence::Merges,
        &[
            Words("If a matching"),
            Hole(B),
            Words("already exists, the"),
            Hole(A),
            Words("will be merged with the existing one"),
        ],
        '.',
    ),
    (
        Sentence::Creates,
        &[
            Words("If no matching"),
            Hole(B),
            Words("is found, a new"),
            Hole(B),
            Words("will be created"),
        ],
        '.',
    ),
    (
        Sentence::Match,
        &[
            Words("A"),
            Hole(A),
            Words("will merge with a"),
            Hole(B),
            Words("if one of the following property combinations match"),
        ],
        ':',
    ),
    (
        Sentence::KeepInSync,
        &[
            Words("Once a link between a"),
            Hole(A),
            Words("and a"),
            Hole(B),
            Words(
                "is established, it will keep in sync between the two systems, \
                 regardless of where it is edited",
            ),
        ],
        '.',
    ),
    (
        Sentence::Properties,
        &[
            Words("The following properties are synchronized between a"),
            Hole(A),
            Words("and a"),
            Hole(B),
        ],
        ':',
    ),
];

/// What follows the condition and its comma.
const AFTER_CONDITION: [Piece; 2] = [Words("it will be synchronized with a"), Hole(B)];

/// The longest name and list that a slot takes when it takes what stands there.
const NAME_WORDS: usize = 12;
const LIST_WORDS: usize = 400;
/// The longest condition.
const CONDITION_WORDS: usize = 400;

/// The names that a section's sentences are expected to be about, as words.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    pub from: Vec<String>,
    pub to: Vec<String>,
    pub to_system: Vec<String>,
}

/// A sentence found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub sentence: Sentence,
    /// Index after its last word.
    pub end: usize,
    /// The words in each slot, in order. For a condition the words before its comma come first,
    /// under [`Found::condition`].
    pub slots: Vec<(Slot, Range<usize>)>,
    pub condition: Range<usize>,
    /// Whether it is about the expected names.
    pub as_expected: bool,
}

impl Found {
    pub fn slot(&self, slot: Slot) -> Option<Range<usize>> {
        let found = self.slots.iter().find(|(s, _)| *s == slot);
        found.map(|(_, range)| range.clone())
    }
}

/// A word of a slot, without the mark that closes the sentence.
pub(crate) fn slot_words(words: &[Word], range: Range<usize>) -> Vec<String> {
    let last = words.len().min(range.end);
    let slice = &words[range.start.min(last)..last];
    let mut texts: Vec<String> = slice.iter().map(|w| w.text.clone()).collect();
    if let Some(text) = texts.last_mut() {
        if let Some(shorter) = text.strip_suffix(['.', ':']) {
            *text = shorter.to_string();
        }
        if text.is_empty() {
            texts.pop();
        }
    }
    texts
}

/// The sentence that begins at word `at`, if one does.
pub(crate) fn sentence_at(words: &[Word], at: usize, names: &Names) -> Option<Found> {
    opening_sentence(words, at, names).or_else(|| condition_at(words, at, names))
}

fn opening_sentence(words: &[Word], at: usize, names: &Names) -> Option<Found> {
    let named = |expected: Option<&Names>| {
        TEMPLATES.iter().find_map(|(sentence, pieces, _)| {
            let mut slots = Vec::new();
            let end = walk(words, at, pieces, expected, &mut slots)?;
            Some(Found {
                sentence: *sentence,
                end,
                slots,
                condition: at..at,
                as_expected: expected.is_some(),
            })
        })
    };
    named(Some(names)).or_else(|| named(None))
}

fn condition_at(words: &[Word], at: usize, names: &Names) -> Option<Found> {
    let limit = words.len().min(at + CONDITION_WORDS);
    for comma in at..limit {
        let next = words.get(comma + 1).is_some_and(|word| word.text.eq_ignore_ascii_case("it"));
        if !next || !words[comma].text.ends_with(',') {
            continue;
        }
        for expected in [Some(names), None] {
            let mut slots = Vec::new();
            let Some(end) = walk(words, comma + 1, &AFTER_CONDITION, expected, &mut slots) else {
                continue;
            };
            // Where another sentence begins before the `, it`, the text before it is no condition.
            let other =
                |i: usize| begins_sentence(words, i) && opening_sentence(words, i, names).is_some();
            return (!(at + 1..=comma).any(other)).then_some(Found {
                sentence: Sentence::Condition,
                end,
                slots,
                condition: at..comma + 1,
                as_expected: expected.is_some(),
            });
        }
    }
    None
}

/// Whether a sentence can begin here: at the start of a line, or after a closing mark.
pub(crate) fn begins_sentence(words: &[Word], at: usize) -> bool {
    at == 0 || words[at].starts_line || words[at - 1].text.ends_with(['.', ':'])
}

/// Follows the pieces from word `at` on; gives the index after the last word.
fn walk(
    words: &[Word],
    at: usize,
    pieces: &[Piece],
    expected: Option<&Names>,
    slots: &mut Vec<(Slot, Range<usize>)>,
) -> Option<usize> {
    let Some((piece, rest)) = pieces.split_first() else {
        return Some(at);
    };
    let closes = rest.is_empty();
    let end = match (piece, expected) {
        (Words(text), _) => literal(words, at, text, closes)?,
        (Hole(A), Some(names)) => name(words, at, &names.from, closes)?,
        (Hole(B), Some(names)) => name(words, at, &names.to, closes)?,
        (Hole(S), Some(names)) if !names.to_system.is_empty() => {
            name(words, at, &names.to_system, closes)
                .or_else(|| anything(words, at, rest, NAME_WORDS))?
        }
        (Hole(C), _) => anything(words, at, rest, LIST_WORDS)?,
        (Hole(_), _) => anything(words, at, rest, NAME_WORDS)?,
    };
    if let Hole(slot) = piece {
        slots.push((*slot, at..end));
    }
    walk(words, end, rest, expected, slots)
}

fn literal(words: &[Word], at: usize, text: &str, closes: bool) -> Option<usize> {
    let mut end = at;
    let mut wanted = text.split_whitespace().peekable();
    while let Some(want) = wanted.next() {
        let word = words.get(end)?.text.as_str();
        let closing = closes && wanted.peek().is_none();
        let word = if closing { word.strip_suffix(['.', ':']).unwrap_or(word) } else { word };
        same_word(word, want).then_some(())?;
        end += 1;
    }
    Some(end)
}

/// Whether a word is the template's, give or take case, a comma, `an` and British spelling.
fn same_word(word: &str, want: &str) -> bool {
    let (word, want) = (word.trim_end_matches(','), want.trim_end_matches(','));
    let british =
        || word.len() == want.len() && word.to_ascii_lowercase().replace("nis", "niz") == want;
    word.eq_ignore_ascii_case(want) || (want == "a" && word.eq_ignore_ascii_case("an")) || british()
}

fn name(words: &[Word], at: usize, name: &[String], closes: bool) -> Option<usize> {
    let end = at + name.len();
    let found = words.get(at..end)?;
    let Some((last, before)) = name.split_last() else {
        // Nothing but the closing mark stands where a name is empty.
        let mark = words.get(at).is_some_and(|w| matches!(w.text.as_str(), "." | ":"));
        return Some(at + usize::from(closes && mark));
    };
    let (found_last, found_before) = found.split_last()?;
    let closed = |text: &str| closes && text.strip_suffix(['.', ':']) == Some(last);
    let same = found_before.iter().zip(before).all(|(f, b)| f.text == *b)
        && (found_last.text == *last || closed(&found_last.text));
    same.then_some(end)
}

/// Takes words up to where the next literal begins, or to the end of the sentence.
fn anything(words: &[Word], at: usize, rest: &[Piece], most: usize) -> Option<usize> {
    let limit = words.len().min(at + most);
    match rest.first() {
        Some(Words(text)) => {
            let closes = rest.len() == 1;
            (at..=limit).find(|end| literal(words, *end, text, closes).is_some())
        }
        _ => (at..limit)
            .find(|i| words[*i].text.ends_with(['.', ':']))
            .map(|i| i + 1)
            .or((limit == words.len()).then_some(limit)),
    }
}

/// The statement's sentences for the given names.
pub(crate) fn sentences(kind: &StatementKind, from: &str, to: &str) -> Vec<String> {
    let plain = |sentence| fill(sentence, from, to, "", "");
    match kind {
        StatementKind::EveryCreates => vec![plain(Sentence::Every)],
        StatementKind::ConditionCreates { condition } => {
            vec![format!("{condition}, {}", plain(Sentence::Condition))]
        }
        StatementKind::LinkOnly => vec![plain(Sentence::LinkOnly)],
        StatementKind::CreateIfConnected { connected, system } => {
            let list = connected_list(connected);
            vec![fill(Sentence::Connected, from, to, &list, system)]
        }
        StatementKind::MergeOrCreate { merges, creates } => {
            let both = [(*merges, Sentence::Merges), (*creates, Sentence::Creates)];
            let stated = both.into_iter().filter(|(stated, _)| *stated);
            stated.map(|(_, sentence)| plain(sentence)).collect()
        }
        StatementKind::Match { .. } => vec![plain(Sentence::Match)],
        StatementKind::KeepInSync => vec![plain(Sentence::KeepInSync)],
        StatementKind::Properties { .. } => vec![plain(Sentence::Properties)],
        StatementKind::Setting(setting) => vec![setting.to_string()],
        StatementKind::Unrecognised { text } => text.split('\n').map(String::from).collect(),
    }
}

/// A sentence with its slots filled.
pub(crate) fn fill(sentence: Sentence, from: &str, to: &str, list: &str, system: &str) -> String {
    let (pieces, mark) = TEMPLATES
        .iter()
        .find(|(s, ..)| *s == sentence)
        .map_or((AFTER_CONDITION.as_slice(), '.'), |(_, pieces, mark)| (*pieces, *mark));
    let parts: Vec<&str> = pieces
        .iter()
        .map(|piece| match piece {
            Words(text) => text,
            Hole(A) => from,
            Hole(B) => to,
            Hole(C) => list,
            Hole(S) => system,
        })
        .collect();
    format!("{}{mark}", parts.join(" "))
}

/// `SuperOffice Sale, Quote, or Quoteline`: the system is said once, where it is the same.
fn connected_list(connected: &[TypeName]) -> String {
    let same = connected.windows(2).all(|w| w[0].system == w[1].system);
    let names: Vec<String> = connected
        .iter()
        .enumerate()
        .map(|(index, name)| match (index, same) {
            (0, _) => name.to_string(),
            (_, true) => name.within_system(),
            (_, false) => format!("a {name}"),
        })
        .collect();
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{}, or {last}", before.join(", ")),
    }
}

/// The sentence that a text comes near to without being it, by the share of its words found there
/// in order. Used for hints only.
pub(crate) fn nearest(words: &[Word]) -> Option<Sentence> {
    const ENOUGH: f64 = 0.6;
    let text: Vec<&str> = words.iter().take(200).map(|w| w.text.as_str()).collect();
    let conditional = (Sentence::Condition, AFTER_CONDITION.as_slice(), '.');
    let all = TEMPLATES.iter().copied().chain([conditional]);
    let shares = all.map(|(sentence, pieces, _)| {
        let wanted: Vec<&str> = pieces
            .iter()
            .filter_map(|piece| match piece {
                Words(text) => Some(text.split_whitespace()),
                Hole(_) => None,
            })
            .flatten()
            .collect();
        let share = common_in_order(&text, &wanted) as f64 / wanted.len() as f64;
        (sentence, share)
    });
    let best = shares.max_by(|a, b| a.1.total_cmp(&b.1))?;
    (best.1 >= ENOUGH).then_some(best.0)
}

/// Length of the longest common subsequence of words.
fn common_in_order(text: &[&str], wanted: &[&str]) -> usize {
    let close = |text: &str| text.trim_end_matches(['.', ':', ',']).to_lowercase();
    let wanted: Vec<String> = wanted.iter().map(|w| close(w)).collect();
    let mut best = vec![0; wanted.len() + 1];
    for word in text {
        let word = close(word);
        let mut diagonal = 0;
        for (index, want) in wanted.iter().enumerate() {
            let above = best[index + 1];
            best[index + 1] = if word == *want { diagonal + 1 } else { above.max(best[index]) };
            diagonal = above;
        }
    }
    best[wanted.len()]
}
