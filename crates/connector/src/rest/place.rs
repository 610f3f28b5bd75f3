//! Where in a manifest something is wrong. The reader of the language gives values without their
//! places; what is told is found again in the text: a word by the keys that lead to it, a template
//! by itself and then by the stretch of it that `minijinja` names.

use std::ops::Range;

/// Something wrong in a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub message: String,
    /// The stretch of the text that is meant, in bytes; nothing where it could not be found.
    pub span: Option<Range<usize>>,
}

impl Fault {
    /// With the stretch that these words lead to, one after the other; the last one is meant.
    pub fn at(text: &str, words: &[&str], message: String) -> Fault {
        let mut from = 0;
        let mut span = None;
        for word in words {
            span = found(text, word, from);
            from = match &span {
                Some(span) => span.end,
                None => break,
            };
        }
        Fault { message, span }
    }

    /// A template that can't be read: the stretch of it, or all of it where no stretch is known.
    pub fn in_template(
        text: &str,
        template: &str,
        inner: Option<Range<usize>>,
        message: String,
    ) -> Fault {
        // As it stands in YAML: plain, or in quotation marks that double or escape their like.
        let forms = [
            template.to_string(),
            template.replace('\'', "''"),
            template.replace('\\', "\\\\").replace('"', "\\\""),
        ];
        let whole = forms.iter().find_map(|form| Some((form, found(text, form, 0)?)));
        let span = whole.map(|(form, span)| {
            let inner = inner.filter(|inner| {
                form == template && inner.start < inner.end && inner.end <= template.len()
            });
            let is_whole = |at: usize| template.is_char_boundary(at);
            match inner.filter(|inner| is_whole(inner.start) && is_whole(inner.end)) {
                Some(inner) => span.start + inner.start..span.start + inner.end,
                None => span,
            }
        });
        Fault { message, span }
    }

    /// For one line: the message with the place.
    pub fn told(&self, text: &str) -> String {
        match &self.span {
            Some(span) => {
                let before = &text[..span.start];
                let line = before.matches('\n').count() + 1;
                let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
                format!("line {line}, column {column}: {}", self.message)
            }
            None => self.message.clone(),
        }
    }
}

/// The next place of a word that is not in a comment. A key (`types:`) begins its line, or stands
/// after a brace or a comma.
fn found(text: &str, word: &str, from: usize) -> Option<Range<usize>> {
    let rest = text.get(from..)?;
    let stands = |at: &usize| {
        let line = text[..*at].rsplit('\n').next().unwrap_or_default();
        let before = line.trim_end().chars().last();
        let begins = !word.ends_with(':') || matches!(before, None | Some('{' | ',' | '-'));
        // Part of a longer word is another one.
        let continues = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let letters = word.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | ':'));
        let whole = !letters
            || !continues(text[..*at].chars().last())
                && (word.ends_with(':') || !continues(text[at + word.len()..].chars().next()));
        begins && whole && !line.trim_start().starts_with('#')
    };
    let at = rest.match_indices(word).map(|(at, _)| from + at).find(stands)?;
    Some(at..at + word.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_behind_the_keys_that_lead_to_it() {
        let text = "# api: v0\ntypes:\n  People:\n    id: id\n    api: v0\n";
        let fault = Fault::at(text, &["types:", "People:", "api:", "v0"], "no".into());
        assert_eq!(fault.told(text), "line 5, column 10: no");
        assert_eq!(Fault::at(text, &["types:", "Users:"], "no".into()).told(text), "no");
    }

    #[test]
    fn a_template_is_found_in_quotation_marks_too() {
        let text = "base: 'a''{{ b }'\n";
        assert_eq!(Fault::in_template(text, "a'{{ b }", Some(2..4), "no".into()).span, Some(7..16));
        let text = "base: x/{{ b c }}\n";
        let fault = Fault::in_template(text, "x/{{ b c }}", Some(7..8), "no".into());
        assert_eq!(fault.span.map(|span| text[span].to_string()).as_deref(), Some("c"));
    }
}
