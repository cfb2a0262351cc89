-- The sinks at which those whom a page calls want to be called, as a list: they are told before the first entry of the order. Null: the usual order.
ALTER TABLE page ADD COLUMN contacts TEXT;
