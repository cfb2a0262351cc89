-- What it takes to say yes, and why somebody said no. Questions from before take one yes of anybody.
ALTER TABLE approval ADD COLUMN terms TEXT NOT NULL DEFAULT '{}';
ALTER TABLE approval ADD COLUMN reason TEXT;
