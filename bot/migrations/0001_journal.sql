-- Answers are added and deleted, never changed: the triggers below keep every other table in step with them.
CREATE TABLE answers (
    row INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice, so a page can go on below any number
    code TEXT NOT NULL UNIQUE,  -- the trace id
    at INTEGER NOT NULL,  -- seconds since 1970, UTC
    day INTEGER NOT NULL GENERATED ALWAYS AS (at / 86400) STORED,  -- days since 1970, UTC
    entrance TEXT NOT NULL,
    question TEXT NOT NULL,  -- redacted; '' when only ids are kept
    status TEXT NOT NULL,
    routes TEXT NOT NULL,  -- JSON list
    articles TEXT NOT NULL,  -- JSON list of the quoted ones, each once, in the order shown
    snapshot TEXT NOT NULL,
    settings TEXT NOT NULL,
    top REAL,  -- the best hit's probability; NULL when nothing was searched or only ids are kept
    micros INTEGER NOT NULL  -- total time in microseconds: sums of whole numbers stay exact when rows leave
) STRICT;

-- Every filter that no other table orders reads this narrow copy: a million rows in a fraction of a second.
CREATE INDEX answers_scan ON answers (row, day, status, top);

-- Apart from the answers, so that a page of answers does not drag the large traces along.
CREATE TABLE traces (
    row INTEGER PRIMARY KEY REFERENCES answers (row),
    data BLOB NOT NULL  -- zlib over JSON
) STRICT;

-- No foreign keys on these two: each deleted answer would be looked for in the whole table.
CREATE TABLE routed (
    route TEXT NOT NULL,
    row INTEGER NOT NULL,
    PRIMARY KEY (route, row)
) STRICT, WITHOUT ROWID;

CREATE TABLE quoted (
    article TEXT NOT NULL,
    row INTEGER NOT NULL,
    PRIMARY KEY (article, row)
) STRICT, WITHOUT ROWID;

CREATE TABLE feedback (
    row INTEGER PRIMARY KEY REFERENCES answers (row),
    helpful INTEGER CHECK (helpful IN (0, 1)),  -- NULL: no vote
    reason TEXT NOT NULL,  -- redacted
    at INTEGER NOT NULL  -- of the last word, seconds since 1970, UTC
) STRICT;

CREATE INDEX feedback_helpful ON feedback (helpful, row);

CREATE TABLE reports (
    nth INTEGER NOT NULL CHECK (nth BETWEEN 1 AND 5),  -- the first one of each answer serves the filter
    row INTEGER NOT NULL REFERENCES answers (row),
    article TEXT NOT NULL,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    PRIMARY KEY (nth, row),
    UNIQUE (row, article, start, "end")
) STRICT, WITHOUT ROWID;

-- The prefix indexes are for the short beginnings, which stand for the most words.
CREATE VIRTUAL TABLE questions USING fts5 (
    question, content = 'answers', content_rowid = 'row', prefix = '1 2 3', tokenize = 'unicode61 remove_diacritics 2'
);

CREATE TABLE day_totals (
    day INTEGER NOT NULL,
    status TEXT NOT NULL,
    answers INTEGER NOT NULL,
    micros INTEGER NOT NULL,
    up INTEGER NOT NULL DEFAULT 0,
    down INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (day, status)
) STRICT, WITHOUT ROWID;

CREATE TABLE article_totals (
    day INTEGER NOT NULL,
    article TEXT NOT NULL,
    answers INTEGER NOT NULL,
    PRIMARY KEY (day, article)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER answer_added AFTER INSERT ON answers BEGIN
    INSERT INTO questions (rowid, question) SELECT new.row, new.question WHERE new.question <> '';
    INSERT INTO routed SELECT value, new.row FROM json_each(new.routes);
    INSERT INTO quoted SELECT value, new.row FROM json_each(new.articles);
    INSERT INTO day_totals (day, status, answers, micros) VALUES (new.day, new.status, 1, new.micros)
        ON CONFLICT (day, status) DO UPDATE SET answers = answers + 1, micros = micros + excluded.micros;
    INSERT INTO article_totals SELECT new.day, value, 1 FROM json_each(new.articles) WHERE true
        ON CONFLICT (day, article) DO UPDATE SET answers = answers + 1;
END;

-- Before, not after: the votes that leave are looked up by their answer's day.
CREATE TRIGGER answer_deleted BEFORE DELETE ON answers BEGIN
    INSERT INTO questions (questions, rowid, question)
        SELECT 'delete', old.row, old.question WHERE old.question <> '';
    DELETE FROM traces WHERE row = old.row;
    DELETE FROM reports WHERE row = old.row;
    DELETE FROM feedback WHERE row = old.row;
    DELETE FROM routed WHERE row = old.row AND route IN (SELECT value FROM json_each(old.routes));
    DELETE FROM quoted WHERE row = old.row AND article IN (SELECT value FROM json_each(old.articles));
    UPDATE day_totals SET answers = answers - 1, micros = micros - old.micros
        WHERE day = old.day AND status = old.status;
    DELETE FROM day_totals WHERE day = old.day AND status = old.status AND answers = 0;
    UPDATE article_totals SET answers = answers - 1
        WHERE day = old.day AND article IN (SELECT value FROM json_each(old.articles));
    DELETE FROM article_totals
        WHERE day = old.day AND article IN (SELECT value FROM json_each(old.articles)) AND answers = 0;
END;

CREATE TRIGGER vote_added AFTER INSERT ON feedback BEGIN
    UPDATE day_totals SET up = up + (new.helpful IS 1), down = down + (new.helpful IS 0)
        WHERE (day, status) = (SELECT day, status FROM answers WHERE row = new.row);
END;

CREATE TRIGGER vote_changed AFTER UPDATE OF helpful ON feedback BEGIN
    UPDATE day_totals
        SET up = up + (new.helpful IS 1) - (old.helpful IS 1), down = down + (new.helpful IS 0) - (old.helpful IS 0)
        WHERE (day, status) = (SELECT day, status FROM answers WHERE row = new.row);
END;

CREATE TRIGGER vote_deleted AFTER DELETE ON feedback BEGIN
    UPDATE day_totals SET up = up - (old.helpful IS 1), down = down - (old.helpful IS 0)
        WHERE (day, status) = (SELECT day, status FROM answers WHERE row = old.row);
END;
