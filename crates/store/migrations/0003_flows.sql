-- An intent's flow was kept as its number in the project, which says something else once a flow is added or taken away. The record types
-- that it leads from and to tell it.
ALTER TABLE intents DROP COLUMN flow;
