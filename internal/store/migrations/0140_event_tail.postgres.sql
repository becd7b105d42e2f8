-- Events are mentioned as they come here: there is no tail.
select 1;
