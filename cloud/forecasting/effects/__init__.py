"""What events do to demand at a site: learned, tested for having ended, told for a plan."""
