/*
 * canvas.h - a drawing surface and its PNG file.
 *
 *	struct canvas *c = canvas_create(800, 600);
 *	canvas_line(c, 10, 10, 100, 50, 1.5, 0xd1495b);
 *	canvas_text(c, 400, 30, 14, ALIGN_MIDDLE, 0x222222, "stress " SIGMA "^3");
 *	canvas_save(c, "picture.png");
 *	canvas_destroy(c);
 *
 * Lengths are in pixels of the finished picture, x to the right and y downwards, and may be
 * fractions: everything is drawn finer and averaged when saved. Colours are 0xRRGGBB. The canvas
 * begins white and without a clip.
 */
#ifndef CRACK_CANVAS_H
#define CRACK_CANVAS_H

struct canvas;

enum align { ALIGN_LEFT, ALIGN_MIDDLE, ALIGN_RIGHT };

struct canvas *canvas_create(int width, int height);
void canvas_destroy(struct canvas *c);

/* Writes beside path and renames; fails with a sentence. */
void canvas_save(const struct canvas *c, const char *path);

/* Nothing is drawn outside this rectangle until canvas_unclip(). */
void canvas_clip(struct canvas *c, double x0, double y0, double x1, double y1);
void canvas_unclip(struct canvas *c);

void canvas_rectangle(struct canvas *c, double x0, double y0, double x1, double y1, unsigned color);
void canvas_line(struct canvas *c, double x0, double y0, double x1, double y1, double width,
		 unsigned color);
void canvas_disc(struct canvas *c, double x, double y, double radius, unsigned color);

/* A disc shaded as a ball with the light above on the left. */
void canvas_ball(struct canvas *c, double x, double y, double radius, unsigned color);

/*
 * One line of text, size being the height of its capitals; y is its base line. '^' raises the
 * character after it. Characters that the font lacks are drawn as '?'.
 */
void canvas_text(struct canvas *c, double x, double y, double size, enum align align,
		 unsigned color, const char *text);
/* The same, read upwards: x is the base line and y the place that align speaks of. */
void canvas_text_up(struct canvas *c, double x, double y, double size, enum align align,
		    unsigned color, const char *text);
double canvas_text_width(double size, const char *text);

/* Characters beyond ASCII that the font has. */
#define SIGMA "\001"
#define EPSILON "\002"
#define TAU "\003"
#define TIMES "\004"

#endif
