-- By which words for severity alerts are sorted into lanes (a digest). When they change, what waits keeps its place before what comes.
CREATE TABLE lanes_by (only_one INTEGER PRIMARY KEY CHECK (only_one = 1), words TEXT NOT NULL);
