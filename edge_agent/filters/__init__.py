"""From reads to crossings, purely: each tag's visit to a portal's field in; direction and confidence out."""
