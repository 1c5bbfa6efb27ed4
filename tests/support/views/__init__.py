"""Builders of protocol views, with the fields that matter to the tests of one part of the client."""
