"""LLRP readers: messages of a TCP connection in, raw reads and input changes to a listener out."""
