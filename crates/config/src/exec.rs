//! `secrets` in `lockstep.yaml`: commands that give the values of variables. They are read before
//! all else, as the other keys name these variables.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::codes;
use crate::env::{Environment, is_name};
use crate::problem::Reader;
use crate::written;
use crate::yaml::{Node, Yaml};

const SECRETS: &str = "secrets";

/// Puts values in the place of names in all of `lockstep.yaml`, those of commands among them. A
/// command that nothing names is told.
pub(crate) fn expand(root: &mut Node, environment: &mut Environment<'_>, reader: &mut Reader) {
    let Yaml::Map(entries) = &mut root.value else {
        return environment.expand(root, reader);
    };
    let mut commands = Vec::new();
    for (_, node) in entries.iter_mut().filter(|(key, _)| key.text == SECRETS) {
        // Other sources alone give what the commands themselves need: no command needs another.
        environment.expand(node, reader);
        commands.extend(read(node, reader));
    }
    let known = commands.iter().map(|(name, _, args)| (name.clone(), args.clone()));
    environment.set_commands(known.collect::<BTreeMap<_, _>>());
    for (_, node) in entries.iter_mut().filter(|(key, _)| key.text != SECRETS) {
        environment.expand(node, reader);
    }
    for (name, span, _) in commands.iter().filter(|(name, ..)| !environment.is_named(name)) {
        reader
            .warning(codes::WITHOUT_EFFECT, span, format!("nothing names the secret {name}"))
            .set_help(format!("write `${{{name}}}` where it is needed, or leave it out"));
    }
}

/// By variable: where it stands, and the program with its arguments.
fn read(node: &Node, reader: &mut Reader) -> Vec<(String, Range<usize>, Vec<String>)> {
    let mut found = Vec::new();
    for (key, said) in reader.entries(node, "`secrets`").unwrap_or_default() {
        if !is_name(&key.text) {
            let message = format!("`{}` is no name of a variable", key.text);
            reader
                .error(codes::ENV_NAME, &key.span, message)
                .set_help("a name has letters, digits and `_`: `WIX_API_KEY`");
            continue;
        }
        let Some(fields) = reader.fields::<written::SecretYaml>(said, "a secret") else {
            continue;
        };
        let Some(exec) = reader.required(&fields, "exec", "a secret", "[pass, show, wix]") else {
            continue;
        };
        let text = exec.text().unwrap_or_default();
        if text.contains(char::is_whitespace) {
            reader
                .error(codes::WRONG_TYPE, &exec.span, "`exec` is a program and its arguments")
                .set_help("there is no shell: write each by itself, as `[pass, show, wix]`");
            continue;
        }
        let args: Vec<String> =
            reader.texts(exec, "`exec`").into_iter().map(|(text, _)| text.to_string()).collect();
        match args.first().is_none_or(|program| program.is_empty()) {
            true => {
                reader
                    .error(codes::WRONG_TYPE, &exec.span, "`exec` names no program")
                    .set_help("write a program and its arguments: `[pass, show, wix]`");
            }
            false => found.push((key.text.clone(), key.span.clone(), args)),
        }
    }
    found
}
