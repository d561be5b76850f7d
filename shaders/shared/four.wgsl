// Four neighbours in a tile: 16-bit floats in the variants `half`.
#ifdef half
alias Four = vec4h;
#else
alias Four = vec4f;
#endif
