"""The statements that create the tables of ``landscape.db``, as sqlite-utils words them.

As text, for sqlite-utils takes longer to import than a short run takes; a test keeps the two the same.
"""

SCHEMA_SQL = """\
CREATE TABLE "meta" (
   "key" TEXT PRIMARY KEY,
   "value" TEXT NOT NULL
);
CREATE TABLE "minima" (
   "id" INTEGER PRIMARY KEY,
   "energy" REAL NOT NULL,
   "log_product" REAL,
   "point_group_order" INTEGER,
   "inertia_1" REAL,
   "inertia_2" REAL,
   "inertia_3" REAL,
   "point_group" TEXT,
   "coordinates" BLOB
);
CREATE INDEX "idx_minima_energy"
    ON "minima" ("energy");
CREATE TABLE "transition_states" (
   "id" INTEGER PRIMARY KEY,
   "energy" REAL NOT NULL,
   "log_product" REAL,
   "point_group_order" INTEGER,
   "inertia_1" REAL,
   "inertia_2" REAL,
   "inertia_3" REAL,
   "point_group" TEXT,
   "plus" INTEGER NOT NULL REFERENCES "minima"("id"),
   "minus" INTEGER NOT NULL REFERENCES "minima"("id"),
   "negative_eigenvalue" REAL,
   "path_length" REAL,
   "coordinates" BLOB
);
CREATE INDEX "idx_transition_states_energy"
    ON "transition_states" ("energy");
CREATE TABLE "endpoints" (
   "set_name" TEXT,
   "minimum" INTEGER REFERENCES "minima"("id"),
   PRIMARY KEY ("set_name", "minimum")
);
CREATE TABLE "properties" (
   "name" TEXT,
   "minimum" INTEGER REFERENCES "minima"("id"),
   "value" REAL,
   PRIMARY KEY ("name", "minimum")
);
CREATE TABLE "runs" (
   "id" INTEGER PRIMARY KEY,
   "program" TEXT,
   "version" TEXT,
   "command" TEXT,
   "host" TEXT,
   "process" INTEGER,
   "seed" TEXT,
   "settings" TEXT,
   "started" TEXT,
   "finished" TEXT,
   "status" TEXT
);
CREATE TABLE "jobs" (
   "id" INTEGER PRIMARY KEY,
   "kind" TEXT NOT NULL,
   "payload" TEXT NOT NULL,
   "state" TEXT NOT NULL,
   "attempts" INTEGER NOT NULL,
   "seed" TEXT,
   "child" INTEGER,
   "status" TEXT,
   "summary" TEXT,
   "seconds" REAL,
   "held" BLOB
);
CREATE INDEX "idx_jobs_seed_child"
    ON "jobs" ("seed", "child");
CREATE INDEX idx_jobs_open ON jobs (id, state) WHERE state IN ('waiting', 'running', 'held');
CREATE TABLE "attempts" (
   "id" INTEGER PRIMARY KEY,
   "first" INTEGER NOT NULL,
   "second" INTEGER,
   "outcome" TEXT,
   "connected" INTEGER,
   "new_minima" INTEGER,
   "new_transition_states" INTEGER,
   "seconds" REAL,
   "job" INTEGER
);
"""
