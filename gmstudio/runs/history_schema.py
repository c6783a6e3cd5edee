"""Tables of ``history.sqlite``."""

SCHEMA_VERSION = 1
APPLICATION_ID = 0x676D7374  # "gmst"

SCHEMA = f"""
CREATE TABLE series (id INTEGER PRIMARY KEY, split TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (split, name));
CREATE TABLE points (
    series INTEGER NOT NULL REFERENCES series (id), step INTEGER NOT NULL, value REAL, PRIMARY KEY (series, step)
) WITHOUT ROWID;
CREATE VIEW scalars AS
    SELECT step, split, name, value FROM points JOIN series ON points.series = series.id ORDER BY step;
CREATE TABLE images (
    step INTEGER NOT NULL, kind TEXT NOT NULL, shape TEXT NOT NULL, dtype TEXT NOT NULL, payload BLOB NOT NULL,
    PRIMARY KEY (step, kind)
);
CREATE TABLE events (
    id INTEGER PRIMARY KEY, step INTEGER NOT NULL, time TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL
);
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
"""

LATER_TABLES = """
CREATE TABLE IF NOT EXISTS surfaces (
    step INTEGER PRIMARY KEY, seconds REAL NOT NULL, method TEXT NOT NULL, note TEXT NOT NULL, metrics TEXT NOT NULL,
    shape TEXT NOT NULL, dtype TEXT NOT NULL, payload BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS clock (step INTEGER PRIMARY KEY, time REAL NOT NULL);
CREATE TABLE IF NOT EXISTS batch_sizes (step INTEGER PRIMARY KEY, size INTEGER NOT NULL);
"""
"""Tables that histories of earlier versions lack; they get them when they are opened for writing."""
