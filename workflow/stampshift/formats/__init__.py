"""What raw files are made of, whatever the survey: tars, FITS images, pickles."""
