# awk -f bench/documents.awk -v documents=1000 -v systems=150 -v folder=DIR
#
# Writes so many dataflow documents about so many invented systems, for `lockstep verify --sandbox`. The same numbers give the same documents.
# Every system has people, firms and cases; a document is about two systems, and its sections link, create, create when connected, repeat
# themselves, refer to one another, go through lists, hold numbers, and now and then have no row at all, as the documents of the field do.
function random(n) { seed = (seed * 1103515245 + 12345) % 2147483648; return int(seed / 65536) % n }
function heading(text, line,    i, rule) { rule = ""; for (i = 0; i < length(text); i++) rule = rule line; return text "\n" rule "\n" }
function table(head, rows) { return ".. list-table::\n   :header-rows: 1\n\n" head rows "\n" }
function row(a, b, c) { return "   * - " a "\n     - " b "\n" (c == "" ? "" : "     - " c "\n") }
function section(from, to, kind, how, rows, refers,    a, b, out, matches) {
  a = from " " kind; b = to " " kind
  out = heading(a " to " b, "-")
  if (how == "every") out = out "Every " a " will be synchronized with a " b ".\n\n"
  else out = out "Before any synchronization can take place, a link between a " a " and a " b " must be established.\n\n"
  if (how == "connected") out = out "A new " b " will be created from a " a " if it is connected to a " from " Cases that is synchronized into " to ".\n\n"
  matches = ""
  if (kind == "People") matches = row("emails.address", "mail")
  if (kind == "Firms") matches = row("number", "number") row("name, city", "name, city")
  if (kind == "Cases") matches = row("reference", "reference")
  out = out "A " a " will merge with a " b " if one of the following property combinations match:\n\n" table(row(a " Property", b " Property"), matches)
  out = out "Once a link between a " a " and a " b " is established, it will keep in sync between the two systems, regardless of where it is edited.\n\n"
  return out "The following properties are synchronized between a " a " and a " b ":\n\n" table(row(a " Property", b " Property", to " Data Type"), rows) "\n"
}
function rows_of(kind, some,    out) {
  out = ""
  if (kind == "People") {
    out = row("emails.address", "mail", "\"string\"") row("name.first", "first", "\"string\"") row("name.last", "last", "\"string\"")
    if (some > 0) out = out row("age", "years", "\"integer\"")
    if (some > 1) out = out row("firm_id", "firm_id", "\"string\"")
    if (some > 2) out = out row("phones.number", "telephone", "\"string\"")
  }
  if (kind == "Firms") {
    out = row("name", "name", "\"string\"") row("number", "number", "\"string\"")
    if (some > 0) out = out row("city", "city", "\"string\"")
    if (some > 1) out = out row("turnover", "turnover", "\"decimal\"")
  }
  if (kind == "Cases") {
    out = row("title", "subject", "\"string\"")
    if (some > 0) out = out row("person_id", "person_id", "\"string\"")
    if (some > 1) out = out row("due", "due", "[\"datetime-format\",\"%Y-%m-%d\",\"_.\"]")
  }
  return out
}
BEGIN {
  seed = 7
  split("People Firms Cases", kinds, " ")
  for (n = 1; n <= documents; n++) {
    a = random(systems); b = (a + 1 + random(systems - 1)) % systems
    # Records are created downhill only, as they are where one system has the say: else every record would come to be everywhere.
    if (a > b) { swap = a; a = b; b = swap }
    from = "System" a; to = "System" b
    text = heading(from " to " to " Dataflow", "=") "\nGenerated: 2024-01-01 00:00:00\n\n" heading("Introduction", "-") "Invented.\n\n"
    for (k = 1; k <= 3; k++) {
      if (random(4) == 0 && k > 1) continue
      how = (b - a <= creates && random(2) == 0) ? "every" : (kinds[k] == "People" && random(6) == 0 ? "connected" : "link")
      text = text section(from, to, kinds[k], how, random(12) == 0 ? "" : rows_of(kinds[k], random(4)))
    }
    file = sprintf("%s/%04d.rst", folder, n)
    printf "%s", text > file
    close(file)
  }
}
