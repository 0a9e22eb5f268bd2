//! Scraping against servers that behave, and against those that do not.
