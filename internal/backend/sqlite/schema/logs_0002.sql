-- The lines of an execution in their order, page by page; one that is delivered twice comes with the time that it had.
CREATE UNIQUE INDEX logs_of ON logs (execution_id, at, task_run_id, attempt, line);
DROP INDEX logs_line;
