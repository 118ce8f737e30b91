// In the place of the theme's script of this name, 1.5 MB that turn icons into SVG.
// The theme's style sheet shows the same icons from a font.
