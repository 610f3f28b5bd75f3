//! A path of a description: its steps, the parameters in them, and which path is about one record
//! of a list.

use super::words;

/// A piece of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Parameter(String),
}

/// A path with parameters: `/companies({company_id})/items`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    pieces: Vec<Piece>,
}

impl Path {
    pub fn of(written: &str) -> Path {
        let mut pieces = Vec::new();
        let mut rest = written.trim_end_matches('/');
        while let Some((text, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else { break };
            if name.is_empty() || name.contains('{') {
                break;
            }
            if !text.is_empty() {
                pieces.push(Piece::Text(text.to_string()));
            }
            pieces.push(Piece::Parameter(name.to_string()));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_string()));
        }
        Path { pieces }
    }

    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Parameter(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// The one parameter by which `self` is about one record of the list at `list`: `/{id}`,
    /// `({id})`, `('{id}')`.
    pub fn one_of<'p>(&'p self, list: &Path) -> Option<&'p str> {
        let (name, end) = self.after(list)?;
        matches!(end, "" | ")" | "')").then_some(name)
    }

    /// The parameter and the text with which this path goes on after another.
    fn after<'p>(&'p self, list: &Path) -> Option<(&'p str, &'p str)> {
        let same = list.pieces.len().checked_sub(1)?;
        let ends_in_text = matches!(list.pieces.last(), Some(Piece::Text(_)));
        let begins = if ends_in_text { same } else { list.pieces.len() };
        if self.pieces.get(..begins)? != list.pieces.get(..begins)? {
            return None;
        }
        let mut rest = self.pieces.get(begins..)?.iter();
        let Some(Piece::Text(text)) = rest.next() else { return None };
        let opens = match (ends_in_text, list.pieces.last()) {
            (true, Some(Piece::Text(of_list))) => text.strip_prefix(of_list.as_str())?,
            _ => text,
        };
        let Some(Piece::Parameter(name)) = rest.next() else { return None };
        let end = match (rest.next(), rest.next()) {
            (None, _) => "",
            (Some(Piece::Text(end)), None) => end,
            _ => return None,
        };
        let closes = match opens {
            "/" => !end.starts_with([')', '\'']),
            "(" => end.starts_with(')'),
            "('" => end.starts_with("')"),
            _ => false,
        };
        closes.then_some((name, end))
    }

    /// Whether it lists what belongs to one record of the list at `list`, with the parameter that
    /// names that one.
    pub fn below_one_of<'p>(&'p self, list: &Path) -> Option<&'p str> {
        let (name, end) = self.after(list)?;
        let end = end.trim_start_matches(['\'', ')']);
        (end.len() > 1 && end.starts_with('/')).then_some(name)
    }

    /// The steps that are no parameters, from the first to the last.
    pub fn steps(&self) -> Vec<&str> {
        let texts = self.pieces.iter().filter_map(|piece| match piece {
            Piece::Text(text) => Some(text.as_str()),
            Piece::Parameter(_) => None,
        });
        let steps = texts.flat_map(|text| text.split(['/', '(', ')', '\'']));
        steps.filter(|step| !step.is_empty()).collect()
    }

    pub fn ends_in_parameter(&self) -> bool {
        match self.pieces.last() {
            Some(Piece::Parameter(_)) => true,
            Some(Piece::Text(text)) => matches!(text.as_str(), ")" | "')"),
            None => false,
        }
    }

    pub fn begins_with(&self, other: &Path) -> bool {
        self.written(str::to_string).starts_with(&(other.written(str::to_string) + "/"))
    }

    /// With the parameters as they are given.
    pub fn written(&self, parameter: impl Fn(&str) -> String) -> String {
        self.pieces.iter().fold(String::new(), |mut out, piece| {
            match piece {
                Piece::Text(text) => out.push_str(&words::no_template(text)),
                Piece::Parameter(name) => out.push_str(&parameter(name)),
            }
            out
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_record_is_below_its_list_in_any_brackets() {
        for (list, one, parameter) in [
            ("/people", "/people/{id}", Some("id")),
            ("/people/", "/people/{id}/", Some("id")),
            ("/people", "/people({id})", Some("id")),
            ("/c({c})/items", "/c({c})/items('{item_id}')", Some("item_id")),
            ("/crm/{module}", "/crm/{module}/{id}", Some("id")),
            ("/people", "/people/{id}/notes", None),
            ("/people", "/peoples/{id}", None),
            ("/c({c})/lines", "/c({c})/lines({parent},{id})", None),
            ("/a/{b}/c", "/x/{b}/c/{id}", None),
        ] {
            assert_eq!(Path::of(one).one_of(&Path::of(list)), parameter, "{one}");
        }
        let notes = Path::of("/people({id})/notes");
        assert_eq!(notes.below_one_of(&Path::of("/people")), Some("id"));
        assert_eq!(notes.steps(), ["people", "notes"]);
        assert_eq!(notes.written(|name| format!("<{name}>")), "/people(<id>)/notes");
    }
}
