# What the tests need besides Rust: real servers and a validating proxy. Sourced by ./test; says what it installs, and what it can't.
#
# Sets LOCKSTEP_NEEDS (tests fail where one of these is missing, instead of leaving it out), LOCKSTEP_PYTHON (a folder of programs) and PRISM.

KEPT="${XDG_CACHE_HOME:-$HOME/.cache}/lockstep-test"
NEEDS=""
PRISM=""

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

updated=no
debian() { # packages: installs them, without starting services
  say "installing $*"
  if [ $updated = no ]; then as_root apt-get update -qq && updated=yes; fi
  as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

present() { # a program, perhaps where PostgreSQL keeps its own
  command -v "$1" >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/"$1" /usr/sbin/"$1" >/dev/null 2>&1
}

server() { # its name in LOCKSTEP_NEEDS, a program, the Debian package
  if present "$2" || debian "$3" && present "$2"; then
    NEEDS="$NEEDS $1"
  else
    echo "LEFT OUT: what runs on $1: $3 can't be installed here" >&2
  fi
}

install_servers() {
  server postgresql initdb postgresql
  server mariadb mariadbd mariadb-server
  server radicale radicale radicale
  # Redmine is the heaviest: about a hundred packages of Ruby, a minute and a half.
  if [ -d /usr/share/redmine ] && [ -e /usr/bin/thin ] || debian redmine redmine-sqlite thin && [ -d /usr/share/redmine ]; then
    if test -r /var/lib/dbconfig-common/sqlite3/redmine/instances/default/redmine_default; then NEEDS="$NEEDS redmine"; fi
  else
    echo "LEFT OUT: what runs on redmine: it can't be installed here" >&2
  fi
  if [ ! -x "$KEPT/python/bin/scim2-server" ]; then
    say "installing scim2-server (PyPI) into $KEPT/python"
    { python3 -m venv "$KEPT/python" || { debian python3-venv && python3 -m venv "$KEPT/python"; }; } &&
      "$KEPT/python/bin/pip" install -q --disable-pip-version-check 'scim2-server>=0.4' || true
  fi
  if [ -x "$KEPT/python/bin/scim2-server" ]; then
    NEEDS="$NEEDS scim2-server"
    export LOCKSTEP_PYTHON="$KEPT/python/bin"
  else
    echo "LEFT OUT: what runs on scim2-server: it can't be installed here" >&2
  fi
  export LOCKSTEP_NEEDS="$NEEDS"
}

install_prism() {
  PRISM="$KEPT/prism/node_modules/.bin/prism"
  if [ ! -e "$PRISM" ]; then
    present npm || debian npm || true
    say "installing @stoplight/prism-cli (npm) into $KEPT/prism"
    mkdir -p "$KEPT/prism"
    (cd "$KEPT/prism" && npm install --prefix . --silent --no-audit --no-fund '@stoplight/prism-cli@5.14.2') || true
  fi
  [ -e "$PRISM" ]
}

# Packages of npm that hold vendors' types: tests read them where LOCKSTEP_TYPINGS leads to them.
install_typings() {
  if [ ! -e "$KEPT/typings/node_modules/jsforce" ] || [ ! -e "$KEPT/typings/node_modules/@hubspot/api-client" ]; then
    present npm || debian npm || true
    say "installing jsforce and @hubspot/api-client (npm, for their types) into $KEPT/typings"
    mkdir -p "$KEPT/typings"
    (cd "$KEPT/typings" && npm install --prefix . --silent --no-audit --no-fund --ignore-scripts 'jsforce@3.10.16' '@hubspot/api-client@13.5.0') || true
  fi
  if [ -e "$KEPT/typings/node_modules/jsforce" ]; then
    export LOCKSTEP_TYPINGS="$KEPT/typings/node_modules"
  else
    echo "LEFT OUT: the types of Salesforce and HubSpot: npm packages can't be installed here" >&2
  fi
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# Holds what the connectors of SuperOffice and PowerOffice Go send, and what the sandbox answers, against the vendors' own descriptions:
# the tests of both connectors run once more, through the validating proxy Prism.
check_against_descriptions() {
  local descriptions=../shared/apis/openapi exchanges prisms="" named="" system file
  if [ ! -d $descriptions ]; then
    say "the vendors' API descriptions are left out: there is no $descriptions"
    return
  fi
  if ! install_prism; then
    echo "LEFT OUT: the vendors' API descriptions: Prism can't be installed here" >&2
    return
  fi
  say "exchanges against the vendors' API descriptions"
  exchanges=$(mktemp)
  for file in superoffice.json poweroffice-go.yaml; do
    system=${file%.*}
    local port behind
    port=$(free_port) behind=$(free_port)
    node --max-http-header-size=1000000 "$PRISM" proxy "$descriptions/$file" "http://127.0.0.1:$behind" -p "$port" >/dev/null 2>&1 &
    prisms="$prisms $!"
    named="$named $system=$port:$behind"
    for _ in $(seq 300); do
      if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
      sleep 0.2
    done
  done
  local status=0
  LOCKSTEP_PRISM="$named" LOCKSTEP_EXCHANGES="$exchanges" \
    cargo test -q -p lockstep-connector --locked --test all -- systems::superoffice systems::poweroffice || status=$?
  # shellcheck disable=SC2086
  kill $prisms 2>/dev/null || true
  echo "operations, by what the description says (remarks are explained in crates/connector/tests/systems/exceptions.txt):"
  awk -F '\t' '{ key = $1 " " $2; all[key]++; if ($4 == "not described") none[key] = 1; else if ($4 != "fits") remarked[key] = 1 }
    END { for (key in all) print "  " key ": " (none[key] ? "not described" : remarked[key] ? "described, with explained remarks" : "fits") }' \
    "$exchanges" | sort
  rm -f "$exchanges"
  return $status
}
