#!/usr/bin/env bash
# mutations/verify.sh [NAME …]: breaks one rule of the program after the other, in a copy, and tells at which lines `lockstep verify --sandbox`
# goes red for it. A rule that can be broken without a red line is one that no trial depends on: the script ends with status 1.
#
# Each mutation is a name, the file (or several), a substitution in Perl, and a pattern that one of the red lines must fit. The documents tried are
# those of examples/ and mutations/verify.rst, which has what they lack (a number, rows of several pairs, systems without a connector), and
# the flows of mutations/verify.yaml, which say what no document can (a condition's filter, what becomes of deletions).
#
#   mutations/verify.sh --check     tries nothing; tells which of them no longer fit the code
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
copy=${MUTATIONS_DIR:-$(mktemp -d)}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$here/target/mutations}
mkdir -p "$copy"
cp -r "$here"/{Cargo.toml,Cargo.lock,crates,bench,mutations,examples} "$copy/"
cd "$copy"

mutations() { # name | file | substitution | what one of the red lines must fit
  cat <<'END'
P1: the earliest edit wins|crates/engine/src/settle/candidates.rs|s/b\.stamp\.at\.cmp\(&a\.stamp\.at/a.stamp.at.cmp(&b.stamp.at/|✗ (last|FirstName|info\.name)
P1: nothing goes back|crates/engine/src/settle/candidates.rs|s/let open = bearing\.open\s+&& /let open = bearing.open \&\& record.ty >= ty \&\& /|✗ (first|Name) –
P2: what is emptied stays|crates/engine/src/settle/candidates.rs|s/\(!bearing\.clears && is_empty/(is_empty/|✗ (last|PhoneNumber) –
P3: what can't be converted is passed over|crates/engine/src/settle/translate.rs|s/let failed =\s+\|message: String\| Wanted::Unconvertible \{[^}]*\};/let failed = |_: String| Wanted::Nothing;/|✗ age – age
P4: what is read again is written again|crates/hub/src/reading/pages.rs crates/engine/src/settle/member.rs|s/Wanted::Write \{ value, \.\. \} if same\(terms, &value, shown\) => Wanted::Nothing,//; s/if slot\.carries == Some\(best\.stamp\)\s+&&/if false \&\&/; s/ref value, \.\. \}\s+if slot\.given/ref value, .. } if false \&\& slot.given/; s/first_id: RecordId\(0\),\s+reindex,/first_id: RecordId(0),\n            reindex: reindex || true,/|✗ A run with nothing to do
P8: ids are copied as they are|crates/engine/src/settle/translate.rs|s/if by\.reference \{\n        return reference/if false {\n        return reference/|✗ (company_id|Contact\.ContactId) –
L1: one pair of a row is enough|crates/engine/src/keys.rs|s/zip\(&theirs\.props\)\.all\(/zip(\&theirs.props).take(1).all(/; s/key_hash\(seed, &combination\)/key_hash(seed, \&combination[..1])/|✗ employee_number = number and last
L2: empty matches empty|crates/model/src/matching.rs|s/Value::Null \| Value::Array\(_\) \| Value::Object\(_\) => return None,/Value::Null | Value::Array(_) | Value::Object(_) => return Some("none".into()),/|✗ (email|Emails\.Value|personEmail) =
L2: what comes near matches|crates/model/src/kind.rs|s/unwrap_or\(bare\)\.trim_end_matches\('\.'\)/unwrap_or(bare).trim_start_matches('x')/|✗ (email|Emails\.Value|personEmail) =
L6: of several candidates the first is taken|crates/engine/src/link/clear.rs|s/if found\.len\(\) > 1 \{/if found.len() > 9 {/; s/if rivals > 1 \{/if rivals > 9 {/|✗ (email|Emails\.Value|personEmail) =
C1: what only links creates too|crates/engine/src/create/qualify.rs|s/PlanCreate::Never => Ok\(false\)/PlanCreate::Never => Ok(true)/|✗ Before any synchronization
C1: a created record lacks all but one property|crates/engine/src/create/compose.rs|s/filter\(\|\(_, prop\)\| !prop\.read_only\) \{/filter(|(_, prop)| !prop.read_only \&\& prop.paired).take(1) {/|✗ Every
C1: nothing is created|crates/engine/src/create/qualify.rs|s/PlanCreate::Always => Ok\(true\)/PlanCreate::Always => Ok(false)/|✗ Every
C1: a condition counts for nothing|crates/engine/src/conditions.rs|s/match &flow\.filter \{/match flow.filter.as_ref().filter(|_| false) {/|✗ When a Webshop
L9: what meets its condition no more is kept equal|crates/engine/src/conditions.rs|s/flow\.filter\.is_some\(\)\s+&& holds\(/flow.filter.is_none() \&\& holds(/|✗ When a Webshop
L3: only the first element of a list matches|crates/engine/src/keys.rs|s/Some\(if one\.primary \{ effective\(value, false\) \} else \{ value \}\)/Some(effective(value, false))/|✗ Emails\.Value =
L8: created before the other side has been read|crates/engine/src/create/qualify.rs|s/if !from\.complete \|\| !to\.complete \{/if !from.complete \&\& !to.complete {/; s/to\.from\.is_none_or\(\|read\| read < record\.first_seen\)/to.from.is_some_and(|read| read.0 == -1)/|✗ (Every|When)
P7: the journal does not keep what was overwritten|crates/hub/src/outcome/updated.rs crates/hub/src/ledger/observed.rs crates/engine/src/settle/change.rs|s/entry\.before = shown_before\.clone\(\);//; s/before: edit\.before\.clone\(\),\n\s*after: edit\.after\.clone\(\),/before: lockstep_model::Value::Null, after: lockstep_model::Value::Null,/; s/let stands = \|\| slot\.value\(described\.whole\)\.clone\(\);/let stands = || Value::Null;/|✗ (first|last|FirstName|Name) –
P9: the other elements of a list go|crates/connector/src/rest/value.rs|s/single => self\.single\(&mut elements, single, displaced\),/single => { elements.clear(); self.single(\&mut elements, single, displaced) }/|✗ .*(emails|Emails\.Value|phones).* –
P10: read-only properties are written|crates/engine/src/settle/member.rs|s/&& !described\.read_only\s+&& !described\.create_only/\&\& !described.create_only/|✗ FullName –
D1: a deletion is passed on though no flow says so|crates/engine/src/deletes.rs|s/ && flow\.deletes != Deletes::Ignore\)/)/; s/Deletes::Ignore => continue,/Deletes::Ignore => Verdict::Delete,/|✗ What is deleted on one side stays
D1: a deletion beats an edit|crates/engine/src/deletes.rs|s/_ if edited\(plan/_ if since.0 < -1 \&\& edited(plan/|✗ What is deleted on one side is deleted
D1: no deletion is passed on|crates/engine/src/deletes.rs|s/Deletes::Propagate => Verdict::Delete,/Deletes::Propagate => continue,/|✗ What is deleted on one side is deleted
D1: nobody is asked about a deletion|crates/engine/src/deletes.rs|s/Deletes::Review => Verdict::Ask,/Deletes::Review => continue,/|✗ What is deleted on one side waits
C5: whatever it is connected to, it is created|crates/engine/src/create/qualify.rs|s/Ok\(connected\(plan, slice, flow, types, record\)\)/Ok(connected(plan, slice, flow, types, record) || true)/|✗ A new Zendesk Users
C5: what it is connected to counts for nothing|crates/engine/src/create/qualify.rs|s/Ok\(connected\(plan, slice, flow, types, record\)\)/Ok(false \&\& connected(plan, slice, flow, types, record))/|✗ A new Zendesk Users
END
}

if [ "${1:-}" = --check ]; then
  trap 'rm -rf "$copy"' EXIT
  failed=0
  while IFS= read -r line; do
    name=${line%%|*}; rest=${line#*|}
    read -ra files <<< "${rest%%|*}"
    rest=${rest#*|}
    # Each substitution must fit one of the files.
    perl -e '
        my $change = shift; local $/; our $hits = 0;
        $_ = join "", map { open(my $in, "<", $_) or die "$_: $!\n"; <$in> } @ARGV;
        my $wanted = () = $change =~ m{(?:^|; )s/}g;
        $change =~ s{(^|; )s/}{$1\$hits++ if s/}g;
        eval $change; die $@ if $@;
        exit($hits == $wanted ? 0 : 1)' "${rest%|✗*}" "${files[@]}" && continue
    echo "$name no longer fits the code" >&2
    failed=1
  done < <(mutations)
  exit $failed
fi

verify() { "$CARGO_TARGET_DIR/debug/lockstep" verify --sandbox examples/documents/*.rst mutations/verify.rst mutations/verify.yaml 2>/dev/null; }
build() { cargo build --quiet -p lockstep; }

build
if ! verify > red; then echo "red before anything is broken:"; grep '✗' red; exit 1; fi
echo "unbroken: $(tail -1 red)"
survived=0
while IFS= read -r line; do
  name=${line%%|*}; rest=${line#*|}
  file=${rest%%|*}; rest=${rest#*|}
  # The pattern has alternatives of its own: it is what follows the last `|✗`.
  pattern="✗${rest##*|✗}"; change=${rest%|✗*}
  [ $# = 0 ] || [[ " $* " == *" ${name%%:*} "* ]] || continue
  read -ra files <<< "$file"
  rm -rf kept; mkdir kept; cp --parents "${files[@]}" kept
  perl -0pi -e "$change" "${files[@]}"
  same=0
  for one in "${files[@]}"; do if cmp -s "kept/$one" "$one"; then same=1; fi; done
  if [ $same = 1 ]; then echo "? $name: the substitution fits nothing any more"; survived=1; cp -r kept/. .; continue; fi
  if ! build 2> errors; then echo "? $name: does not compile"; head -5 errors; survived=1
  elif verify > red; then echo "SURVIVED $name"; survived=1
  elif grep -qE "$pattern" red; then
    echo "caught   $name: $(tail -1 red)"
    grep -E "$pattern" red | sed 's/^ */           /' | sort -u | head -3
  else echo "MISPLACED $name: red, but not where it belongs"; grep '✗' red | head -5; survived=1; fi
  cp -r kept/. .
  # The build goes by times: what was put back is newer than what was built.
  touch "${files[@]}"
done < <(mutations)
exit $survived
