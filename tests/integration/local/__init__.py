"""Tests of the embedded server: real keepers, real nats-servers, and a stand-in for the agent."""
