// Empty: this file exists to carry the precompiled torch header that every torch module reuses.
