"""Which reports have to be read, given the state and the settings. Pure."""
