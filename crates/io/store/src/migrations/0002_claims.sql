-- Tombstones that another node handed over: nobody here has seen the content. They give way to the
-- message itself. A row of messages whose FORGETs are not accepted here is pending and purged.
CREATE TABLE claims (
    message INTEGER PRIMARY KEY,
    trusted INTEGER NOT NULL     -- 1: said by somebody who is believed without proof
) STRICT;
CREATE INDEX claims_untrusted ON claims (message) WHERE trusted = 0;
