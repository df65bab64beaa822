/*
 * font.h - a font of strokes, so that it can be drawn at any size and angle.
 *
 * A glyph is a string of strokes separated by blanks. Each number in it is one base-36 digit
 * (0-9, a-z). A stroke is a polyline of points xyxyxy..., or "@" and an arc: the centre x y, the
 * radii rx ry, and the first and last angle in steps of 15 degrees, counter-clockwise from the
 * right (a last angle below the first runs clockwise). y grows upwards: descenders reach down to 0,
 * the base line is 6, small letters reach up to i (18), capitals to o (24).
 */
#ifndef CRACK_FONT_H
#define CRACK_FONT_H

#define FONT_BASE 6
#define FONT_CAPITAL 18		/* height of a capital above the base line */

struct glyph {
	char character;
	int advance;		/* distance to the next glyph */
	const char *strokes;
};

/* Never NULL: a question mark stands in for what is missing. */
const struct glyph *font_glyph(char character);

/* The value of a base-36 digit. */
int font_digit(char c);

#endif
