"""A node that the tests of the doctor are about: healthy, until a test breaks one thing."""
