-- What the console's search was asked for last: a name, an id or a phone, which must not stand in an address.
alter table account_session add column looked_for text not null default '';
