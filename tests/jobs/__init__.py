"""The ready-made jobs against their real counterparts: an SMTP server, files, archives."""
