"""The laws that every model obeys, for the families of gmstudio and for families of other packages."""
