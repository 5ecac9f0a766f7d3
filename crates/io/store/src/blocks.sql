-- Where blocks lie. All of it is derived from the files and archives themselves.

-- A file or archive whose blocks are all listed below. Numbers are never used again, so blocks of
-- one that is gone lead nowhere until they are swept.
CREATE TABLE holders (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    name   BLOB NOT NULL UNIQUE,
    blocks INTEGER NOT NULL
);

-- form: 0 the bytes at offset, 1 the bytes at offset wrapped as the chunk of a file, 2 the data here
CREATE TABLE blocks (
    key    BLOB NOT NULL,
    holder INTEGER NOT NULL,
    form   INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    size   INTEGER NOT NULL,
    data   BLOB,
    PRIMARY KEY (key, holder)
) WITHOUT ROWID;

-- How many blocks are of holders above, and how many of holders that are gone.
CREATE TABLE counts (only INTEGER PRIMARY KEY CHECK (only = 0), live INTEGER NOT NULL, dead INTEGER NOT NULL);
INSERT INTO counts VALUES (0, 0, 0);
