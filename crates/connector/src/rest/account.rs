//! What is asked of an account apart from its records: whether it answers, whose it is, and what
//! its manifest wants to have settled.

use lockstep_model::Value;

use super::connected::Rest;
use super::{errors, ids, value, written};
use crate::{ReadRequest, Settled, Trouble};

impl Rest {
    pub(super) fn tried(&self) -> Result<String, Trouble> {
        let get = written::RequestYaml { path: self.manifest.test.clone(), ..Default::default() };
        let context = self.client.context([]);
        let answer = self.client.read(&get, &context)?;
        match errors::trouble(&self.manifest, &self.client.name(&get, &context), &answer) {
            Some(trouble) => Err(trouble),
            None => {
                let notices: String =
                    self.manifest.notices.iter().filter_map(|notice| self.notice(notice)).collect();
                Ok(format!(
                    "{} at {} answers, and takes the key{notices}",
                    self.manifest.title,
                    self.client.server()
                ))
            }
        }
    }

    /// What is to be told of this account, if anything.
    fn notice(&self, notice: &written::Notice) -> Option<String> {
        let answer = self.client.try_once(&notice.request, &self.client.context([]))?;
        let answered = errors::meaning(&self.manifest, &answer).is_none();
        let word = value::at(&answer.body, &notice.at).and_then(value::text).filter(|_| answered);
        let says = word
            .and_then(|word| notice.says.get(&word))
            .or_else(|| notice.says.get("otherwise"))?;
        Some(format!("; {says}"))
    }

    /// Asks what the manifest wants to have settled.
    pub(super) fn asked_to_settle(&self, question: &written::Question) -> Settled {
        let mut expected = match question.status.as_slice() {
            [] => "status 200".to_string(),
            all => format!(
                "status {}",
                all.iter().map(u16::to_string).collect::<Vec<_>>().join(" or ")
            ),
        };
        if let Some(place) = &question.at {
            let values = question.is.iter().map(Value::to_string).collect::<Vec<_>>().join(" or ");
            let what = if values.is_empty() { "something".into() } else { values };
            expected = format!("{expected} with {what} at `{place}`");
        }
        let settled = |came: String, holds: Option<bool>| Settled {
            what: question.what.clone(),
            expected,
            came,
            holds,
        };
        let id = match &question.of {
            None => None,
            Some(kind) => match self.first_id(kind) {
                Ok(Some(id)) => Some(id),
                Ok(None) => {
                    return settled(
                        format!("nothing: there is no record of {kind} to ask about"),
                        None,
                    );
                }
                Err(trouble) => return settled(format!("nothing: {trouble}"), None),
            },
        };
        let ty = question.of.as_ref().and_then(|kind| self.manifest.types.get(kind));
        let variables = ty
            .zip(id.as_ref())
            .map(|(ty, id)| ids::id_variables(ty, id).to_vec())
            .unwrap_or_default();
        let answer =
            match self.client.read_one(&question.request, &self.client.context(variables), true) {
                Ok(answer) => answer,
                Err(trouble) => return settled(trouble.to_string(), Some(false)),
            };
        let shown = question.at.as_ref().map(|place| value::at(&answer.body, place));
        let fits_status = match question.status.as_slice() {
            [] => answer.status == 200,
            all => all.contains(&answer.status),
        };
        let fits_value = shown.is_none_or(|shown| match shown {
            None | Some(Value::Null) => question.is.contains(&Value::Null),
            Some(shown) => question.is.is_empty() || question.is.contains(shown),
        });
        // A place that is no value itself is told by its kind: what a record holds is nobody's
        // business here.
        let came = match (shown, &question.at) {
            (Some(None), Some(place)) => format!("status {} without `{place}`", answer.status),
            (Some(Some(Value::Object(_))), _) => {
                format!("status {} with an object there", answer.status)
            }
            (Some(Some(Value::Array(list))), _) => {
                format!("status {} with a list of {} there", answer.status, list.len())
            }
            (Some(Some(Value::String(_))), _) if question.is.is_empty() => {
                format!("status {} with a text there", answer.status)
            }
            (Some(Some(value)), _) => format!("status {} with {value} there", answer.status),
            (None, _) | (_, None) => format!("status {}", answer.status),
        };
        let words =
            errors::words(&answer.body).filter(|_| !fits_status).map(|words| format!(" ({words})"));
        settled(came + &words.unwrap_or_default(), Some(fits_status && fits_value))
    }

    /// The id of the first record that a list shows.
    fn first_id(&self, kind: &str) -> Result<Option<String>, Trouble> {
        let page =
            self.next_page(ReadRequest { kind, watch: &[], checkpoint: None, page_size: 1 })?;
        Ok(page.records.into_iter().find(|record| !record.deleted).map(|record| record.id))
    }

    /// The id of the account, where the manifest says how to ask for it.
    pub(super) fn account_id(&self) -> Result<Option<String>, Trouble> {
        let Some(account) = &self.manifest.account else { return Ok(None) };
        let context = self.client.context([]);
        let answer = self.client.read(&account.request, &context)?;
        let name = self.client.name(&account.request, &context);
        if let Some(trouble) = errors::trouble(&self.manifest, &name, &answer) {
            return Err(trouble);
        }
        match value::at(&answer.body, &account.at) {
            Some(Value::String(id)) if !id.trim().is_empty() => Ok(Some(id.trim().to_string())),
            Some(Value::Number(id)) => Ok(Some(id.to_string())),
            _ => Err(Trouble::Malformed(format!(
                "{name} does not tell whose account it is: there is no id at `{}`",
                account.at
            ))),
        }
    }
}
