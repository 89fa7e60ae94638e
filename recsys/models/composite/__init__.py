"""What models made of other models share: members' settings, fitting, refitting and folders."""
