"""The table that every program exports: a typical list of a hosting team, with two mistakes."""

HEADER = ["IP Address", "Rule", "Comment"]
ROWS = [
    ["192.0.2.1", "Allow", "office, Zürich"],
    ["198.51.100.0/24", "Allow", "l'été – «café»"],
    ["203.0.113.5-203.0.113.9", "allow", ""],
    ["2001:db8::/32", "Allow", 'the "new" network'],
    ["198.51.100.77", "Deny", "scanner"],
    ["2.2.2", "Allow", "a slip"],
    ["10.0.0.5/24", "Deny", ""],
]
TABLE = [HEADER, *ROWS]
