#!/usr/bin/env bash
# mutations/verify.sh [NAME …]: breaks one rule of the program after the other, in a copy, and tells at which lines `lockstep verify --sandbox`
# goes red for it. A rule that can be broken without a red line is one that no trial depends on: the script ends with status 1.
#
# Each mutation is a name, the file (or several), a substitution in Perl, and a pattern that one of the red lines must fit. The documents tried are
# those of examples/ and mutations/verify.rst, which has what they lack (a number, rows of several pairs, systems without a connector).
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
copy=${MUTATIONS_DIR:-$(mktemp -d)}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$here/target/mutations}
mkdir -p "$copy"
cp -r "$here"/{Cargo.toml,Cargo.lock,crates,bench,mutations,examples} "$copy/"
cd "$copy"

mutations() { # name | file | substitution | what one of the red lines must fit
  cat <<'END'
P1: the earliest edit wins|crates/engine/src/settle.rs|s/\(b\.stamp\.at, a\.from/(a.stamp.at, a.from/; s/cmp\(&\(a\.stamp\.at, b\.from/cmp(&(b.stamp.at, b.from/|✗ (last|FirstName|info\.name)
P1: nothing goes back|crates/engine/src/settle.rs|s/if !bearing\.open\n/if !bearing.open || record.ty < ty\n/|✗ (first|Name) –
P2: what is emptied stays|crates/engine/src/settle.rs|s/\(!bearing\.clears && is_empty/(is_empty/|✗ (last|PhoneNumber) –
P3: what can't be converted is passed over|crates/engine/src/settle.rs|s/let failed = \|message: String\| Wanted::Unconvertible \{[^}]*\};/let failed = |_: String| Wanted::Nothing;/|✗ age – age
P4: what is read again is written again|crates/engine/src/settle.rs crates/hub/src/read.rs|s/Wanted::Write \{ value, \.\. \} if equal_as\(described\.ty, &value, shown\) => Wanted::Nothing,//; s/ \|\| slot\.carries == Some\(best\.stamp\)//; s/ref value, \.\. \} if slot\.given/ref value, .. } if false \&\& slot.given/; s/, reindex \};/, reindex: reindex || true };/|✗ A run with nothing to do
P8: ids are copied as they are|crates/engine/src/settle.rs|s/if by\.reference \{\n        return reference/if false {\n        return reference/|✗ (company_id|Contact\.ContactId) –
L1: one pair of a row is enough|crates/engine/src/keys.rs|s/for one in &side\.props \{/for one in side.props.iter().take(1) {/|✗ employee_number = number and last
L2: empty matches empty|crates/model/src/matching.rs|s/if is_empty\(value\) \{\n        return None;/if is_empty(value) {\n        return Some("none".into());/|✗ (email|Emails\.Value|personEmail) =
L2: what comes near matches|crates/model/src/matching.rs|s/trim_end_matches\('\.'\)/trim_start_matches('x')/|✗ (email|Emails\.Value|personEmail) =
L6: of several candidates the first is taken|crates/engine/src/link.rs|s/if found\.len\(\) > 1 \{/if found.len() > 9 {/; s/if rivals > 1 \{/if rivals > 9 {/|✗ (email|Emails\.Value|personEmail) =
C1: what only links creates too|crates/engine/src/create.rs|s/PlanCreate::Never => Ok\(false\)/PlanCreate::Never => Ok(true)/|✗ Before any synchronization
C1: a created record lacks all but one property|crates/engine/src/create.rs|s/filter\(\|\(_, prop\)\| prop\.paired && !prop\.read_only\)/filter(|(_, prop)| prop.paired \&\& !prop.read_only).take(1)/|✗ Every
C1: nothing is created|crates/engine/src/create.rs|s/PlanCreate::Always => Ok\(true\)/PlanCreate::Always => Ok(false)/|✗ Every
C5: whatever it is connected to, it is created|crates/engine/src/create.rs|s/Ok\(connected\(plan, slice, flow, types, record\)\)/Ok(connected(plan, slice, flow, types, record) || true)/|✗ A new Zendesk Users
C5: what it is connected to counts for nothing|crates/engine/src/create.rs|s/Ok\(connected\(plan, slice, flow, types, record\)\)/Ok(false \&\& connected(plan, slice, flow, types, record))/|✗ A new Zendesk Users
END
}

verify() { "$CARGO_TARGET_DIR/debug/lockstep" verify --sandbox examples/documents/*.rst mutations/verify.rst 2>/dev/null; }
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
