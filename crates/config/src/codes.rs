//! The codes of problems: one for each kind, with what it means. What to do about each is in
//! `docs/diagnostics.md`.

macro_rules! codes {
    ($($name:ident = $code:literal: $meaning:literal),+ $(,)?) => {
        $(#[doc = $meaning] pub const $name: &str = concat!("config::", $code);)+

        /// Every code with its meaning, in one or two sentences.
        pub const ALL: &[(&str, &str)] = &[$((concat!("config::", $code), $meaning)),+];
    };
}

codes! {
    // Files
    NO_PROJECT = "no-project": "The folder has no `lockstep.yaml`. `lockstep init` makes one.",
    UNREADABLE_FILE = "unreadable-file": "A file can't be read: it is not there, may not be read, or is no UTF-8 text.",
    NO_FLOWS = "no-flows": "No file of flows was found, so there is nothing to keep in step.",
    YAML = "yaml": "The file is no YAML. Most often an indent, a quotation mark or a bracket is missing.",
    REPEATED_KEY = "repeated-key": "A key stands twice in the same mapping, so one of the two would be lost.",
    UNKNOWN_KEY = "unknown-key": "A key that nothing reads, mostly a slip of the pen.",
    MISSING_KEY = "missing-key": "A key that must be there is not.",
    WRONG_TYPE = "wrong-type": "A value is of another kind than is needed: a text where a list belongs, for instance.",
    UNKNOWN_WORD = "unknown-word": "A setting has a few words that it can be, and this is none of them.",
    // Environment
    ENV_MISSING = "env-missing": "`${NAME}` names a variable that no source has.",
    ENV_NAME = "env-name": "`${…}` holds no name of a variable.",
    ENV_LINE = "env-line": "A line of `.env` is no variable.",
    ENV_FILE = "env-file": "The file that is to hold the value of a variable can't be read.",
    ENV_COMMAND = "env-command": "The command that is to give the value of a variable does not give it.",
    SECRET_READABLE = "secret-readable": "Other users of the machine may read a file that holds secrets.",
    SECRET_IN_FILE = "secret-in-file": "A secret stands in `lockstep.yaml`, which others may read. Move it to `.env` and name it.",
    // Systems, record types, properties
    UNKNOWN_SYSTEM = "unknown-system": "A system that `lockstep.yaml` does not have.",
    UNNAMED_SYSTEM = "unnamed-system": "A document leaves a system unnamed. Say which it is with `unnamed:`.",
    AMBIGUOUS_SYSTEM = "ambiguous-system": "A name that several systems go by.",
    SAME_RECORDS = "same-records": "Both ends of a flow are the same file, under the names of two systems.",
    SAME_SYSTEM_NAME = "same-system-name": "Two systems share a title or an alias, so a document can't tell them apart.",
    RECORD_TYPE_NAME = "record-type-name": "A record type is written `system.Type`.",
    UNKNOWN_RECORD_TYPE = "unknown-record-type": "The system has no record type of this name.",
    UNKNOWN_PROPERTY = "unknown-property": "The record type has no property at this path.",
    UNKNOWN_COLUMN = "unknown-column": "The header of the CSV file has no such column. A run says so in its exit status; where the file had the column before, it leaves that record type alone.",
    UNSEEN_PROPERTY = "unseen-property": "None of the records that were looked at has this property. That is right only where it is still to be filled.",
    MARK = "mark": "A row writes the property that marks a record as deleted (D3).",
    NO_SCHEMA = "no-schema": "Nothing is known of the system's record types, so paths to properties can't be checked.",
    CREATES_OUTSIDE = "creates-outside": "A flow is not about the records that it creates: no row gives what its condition reads.",
    WITHOUT_EFFECT = "without-effect": "A setting that would have no effect where it stands.",
    // Rows
    ROW = "row": "A row of a table can't be read.",
    CONDITIONS = "several-conditions": "A path has more than one condition; only the first counts.",
    CONVERSION = "conversion": "A type or a conversion can't be read.",
    REPAIRED = "repaired-conversion": "A conversion lacked brackets, which were put back.",
    FILTER = "filter": "An expression of `filter:` can't be read.",
    COMPARED_TYPES = "compared-types": "A filter compares texts with a number, or numbers with a text, so that it holds for every record or for none.",
    FOLLOWED = "followed-property": "A row about a property of what a record refers to (`company > name`) can't be kept as it is written.",
    STATEMENT = "statement": "A statement of a document that has no effect, or not the whole effect that it states.",
    // What does harm as written (G6)
    CREATES_EVERYTHING = "creates-everything": "A flow creates a record for every record and has no match row, so what is in both systems already is there twice afterwards.",
    CREATES_EMPTY = "creates-empty": "A flow creates but synchronizes no property; it will not create (C3) unless it says `create_empty: true`.",
    EMPTY_TABLE = "empty-table": "A flow links records but keeps no property equal.",
    NOTHING_TO_DO = "nothing-to-do": "A flow neither links nor creates anything.",
    REPEATED_SECTION = "repeated-section": "The same flow is stated more than once; the statements were united.",
    FANNED_OUT = "fanned-out": "One property is paired with two of the same record type, and nothing says what holds when those two differ.",
    ONE_LIST = "one-list": "Two rows are about the elements of one list, and nothing says of which element, so that values of different elements would be mixed.",
    SAME_PROPERTY = "same-property": "Two rows are about the same property, because one path stands for the other.",
    PARENT_AND_CHILD = "parent-and-child": "A path and a path below it are both paired, so that one write undoes the other.",
    UNMARKED_REFERENCE = "unmarked-reference": "A property looks like a reference to another record, but no schema says to what, so ids would be copied as they are.",
    REFERENCE_MISMATCH = "reference-mismatch": "A reference is paired with what is none, or with a reference to records that no flow links.",
    VACUOUS = "vacuous-section": "A section between a record type and itself that every record satisfies with itself: it links, creates and writes nothing.",
    DUPLICATES_INSIDE = "duplicates-inside": "A section between a record type and itself: it is about duplicates inside the system.",
    REQUIRED_UNMAPPED = "required-unmapped": "A record type requires a property that no row gives, so nothing can be created in it (C4).",
    UNFULFILLED = "unfulfilled-condition": "A row is about a property on a condition that nothing fulfils when a record is created, so nothing is owed there then.",
    BLOCK = "block": "Several properties are each paired with several: the n-th belongs to the n-th, the other rows only fill what is empty at the first link (P1c).",
    NEVER_CREATES = "never-creates": "A condition for creating can never hold.",
    UNCONVERTIBLE = "unconvertible": "Two properties whose types can't be turned into each other; the row is not kept.",
    CREATES_UNMATCHED = "creates-unmatched": "A flow creates records without the properties by which they are matched.",
    REFUSED_VALUE = "refused-value": "A default, a constant, a side of a value list or a value of `any-of` that its property can't hold. It is an error where the system says what the property holds, a warning where that was only seen in its records.",
    CONTRADICTION = "contradiction": "Two flows, or two rows, say the opposite of each other.",
    EXTRA = "extra": "A flow's `extra` would delete what it must not, or can't delete anything.",
    UNDATED = "undated": "A system does not tell when its values were put in, which decides where two records are linked for the first time and both hold different ones (P1).",
    READ_ONLY = "read-only": "A property can't be written, so the row works one way only, or not at all.",
    NO_WAY_BACK = "no-way-back": "A conversion can't be undone, so edits of the target can't be carried back, or not whole.",
    CAN_NOT = "can-not": "The system can't do with the record type what the flow asks for.",
    NOTE = "note": "What the connector says a reader should know.",
    // Connectors and what they read
    MANIFEST = "manifest": "A manifest of a connector says something that can't be, or lacks something.",
    CONNECTOR = "connector": "A connector can't be made ready: there is none of this name, or its settings are wrong.",
    UNREACHABLE = "unreachable": "A system can't be asked for its record types just now.",
    DAMAGED = "damaged": "A file or table of a record type, or some of its rows, can't be read.",
    CONFORMANCE = "conformance": "Something that a manifest says did not hold when it was tested.",
}
