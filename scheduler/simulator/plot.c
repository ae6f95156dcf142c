/* Owns: plots of replays. Two panels over one axis of time: above how busy the machine was, below
 * how many jobs waited. The image has no background and its words and lines are of middle tones, so
 * that it reads on white and on black; where the viewer tells which, the words follow. */
#include <math.h>
#include <string.h>

#include "stint/simulator.h"

#define LEFT         64
#define RIGHT        880
#define TITLE_Y      22
#define LEGEND_Y     42
#define UPPER_TOP    78
#define UPPER_BOTTOM 248
#define LOWER_TOP    288
#define LOWER_BOTTOM 458
#define WIDTH        904
#define HEIGHT       506

/* A hue for each line (Okabe & Ito 2008, for every kind of colour vision), and dashes. */
static const struct {
    const char *colour;
    const char *dashes;
} looks[STINT_COMPARISON_MAX] = {
    { "#0072b2", "none" }, { "#d55e00", "6 3" },     { "#009e73", "2 2" },
    { "#cc79a7", "10 3" }, { "#e69f00", "8 3 2 3" }, { "#56b4e9", "1 3" },
};

/* Steps of several lines are drawn coarser: finer ones hide each other. */
#define STEPS_OF_SEVERAL 128

struct frame {
    struct stint_buffer *out;
    double seconds;      /* of the longest line */
    double waiting_most; /* a round number above the longest queue drawn */
    size_t steps_most;   /* that a line is drawn in */
};

static void escape(struct stint_buffer *out, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '&':
            stint_buffer_add_text(out, "&amp;");
            break;
        case '<':
            stint_buffer_add_text(out, "&lt;");
            break;
        case '>':
            stint_buffer_add_text(out, "&gt;");
            break;
        default:
            stint_buffer_add_char(out, (unsigned char)*text < ' ' ? ' ' : *text);
        }
}

/* 1, 2 or 5 times a power of ten: about five steps to @most. */
static double round_step(double most)
{
    double power = pow(10, floor(log10(most / 5)));
    double share = most / 5 / power;
    return power * (share <= 1.0001 ? 1 : share <= 2.0001 ? 2 : share <= 5.0001 ? 5 : 10);
}

static double x_of(const struct frame *frame, double seconds)
{
    return LEFT + (RIGHT - LEFT) * seconds / frame->seconds;
}

static double y_of(double value, double most, double top, double bottom)
{
    return bottom - (bottom - top) * (value < most ? value : most) / most;
}

/* Lines across a panel with their numbers at the left. */
static void draw_scale(const struct frame *frame, const char *title, double most, double step,
                       double top, double bottom)
{
    stint_buffer_printf(frame->out, "<text x=\"%d\" y=\"%g\" class=\"what\">%s</text>\n", LEFT,
                        top - 7, title);
    for (int i = 0; i * step <= most * 1.0001; i++) {
        double y = y_of(i * step, most, top, bottom);
        stint_buffer_printf(frame->out, "<path class=\"grid\" d=\"M%d %.1fH%d\"/>", LEFT, y, RIGHT);
        stint_buffer_printf(frame->out,
                            "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.10g</text>\n",
                            LEFT - 8, y + 4, i * step);
    }
}

struct unit {
    const char *name;
    double seconds;
};

/* The largest unit of which the whole is at least three. */
static struct unit unit_of(double seconds)
{
    static const struct unit units[] = {
        { "days", 86400 }, { "hours", 3600 }, { "minutes", 60 }, { "seconds", 1 }
    };
    size_t i = 0;
    while (i + 1 < STINT_ARRAY_SIZE(units) && seconds < 3 * units[i].seconds)
        i++;
    return units[i];
}

static void draw_time(const struct frame *frame)
{
    struct unit unit = unit_of(frame->seconds);
    double most = frame->seconds / unit.seconds;
    double step = round_step(most);
    for (int i = 0; i * step <= most * 1.0001; i++) {
        double x = x_of(frame, i * step * unit.seconds);
        stint_buffer_printf(frame->out,
                            "<path class=\"grid\" d=\"M%.1f %dV%dM%.1f %dV%d\"/>"
                            "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.10g</text>\n",
                            x, UPPER_TOP, UPPER_BOTTOM, x, LOWER_TOP, LOWER_BOTTOM + 4, x,
                            LOWER_BOTTOM + 19, i * step);
    }
    stint_buffer_printf(frame->out,
                        "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" class=\"what\">"
                        "%s since the first submission</text>\n",
                        (LEFT + RIGHT) / 2, LOWER_BOTTOM + 38, unit.name);
}

/* The mean of @count steps from @first on; only the curve's last step is shorter than others. */
static double mean_of(const struct stint_curve *curve, const double *values, size_t first,
                      size_t count)
{
    double sum = 0;
    double seconds = 0;
    for (size_t i = first; i < first + count; i++) {
        int64_t left_s = curve->last_s - curve->first_s - (int64_t)i * curve->step_s;
        double weight = (double)(left_s < curve->step_s ? left_s : curve->step_s);
        sum += weight * values[i];
        seconds += weight;
    }
    return sum / seconds;
}

/* A staircase: each step's mean holds for the whole step. */
static void draw_line(const struct frame *frame, const struct stint_curve *curve, int64_t first_s,
                      const double *values, double most, double top, double bottom, size_t look)
{
    size_t stride = (curve->count + frame->steps_most - 1) / frame->steps_most;
    if (curve->count == 0)
        return;
    stint_buffer_printf(
        frame->out, "<path class=\"line\" stroke=\"%s\" stroke-dasharray=\"%s\" d=\"M%.1f",
        looks[look].colour, looks[look].dashes, x_of(frame, (double)(curve->first_s - first_s)));
    for (size_t i = 0; i < curve->count; i += stride) {
        size_t count = curve->count - i < stride ? curve->count - i : stride;
        int64_t stop_s = curve->first_s + (int64_t)(i + count) * curve->step_s;
        stop_s = stop_s < curve->last_s ? stop_s : curve->last_s;
        stint_buffer_printf(frame->out, "%s%.1fH%.1f", i ? "V" : " ",
                            y_of(mean_of(curve, values, i, count), most, top, bottom),
                            x_of(frame, (double)(stop_s - first_s)));
    }
    stint_buffer_add_text(frame->out, "\"/>\n");
}

static void draw_legend(struct stint_buffer *out, const struct stint_plot_line *lines, size_t count)
{
    double pitch = (double)(RIGHT - LEFT) / STINT_COMPARISON_MAX;
    for (size_t i = 0; i < count; i++) {
        double x = LEFT + pitch * (double)i;
        stint_buffer_printf(out,
                            "<path class=\"line\" stroke=\"%s\" stroke-dasharray=\"%s\" "
                            "d=\"M%.1f %dh24\"/><text x=\"%.1f\" y=\"%d\">",
                            looks[i].colour, looks[i].dashes, x, LEGEND_Y - 4, x + 30, LEGEND_Y);
        escape(out, lines[i].name);
        stint_buffer_add_text(out, "</text>\n");
    }
}

static void begin(struct stint_buffer *out, const char *title)
{
    stint_buffer_printf(out,
                        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
                        "width=\"%d\" height=\"%d\" role=\"img\">\n<title>",
                        WIDTH, HEIGHT, WIDTH, HEIGHT);
    escape(out, title);
    stint_buffer_add_text(
        out, "</title>\n<style>text{font:12px sans-serif;fill:#767676}.what{font-weight:bold}"
             ".grid{stroke:#808080;stroke-opacity:.35;fill:none}"
             ".line{fill:none;stroke-width:1.6;stroke-linejoin:round}"
             "@media(prefers-color-scheme:light){text{fill:#333}}"
             "@media(prefers-color-scheme:dark){text{fill:#ddd}}</style>\n");
    stint_buffer_printf(out, "<text x=\"%d\" y=\"%d\" class=\"what\">", LEFT, TITLE_Y);
    escape(out, title);
    stint_buffer_add_text(out, "</text>\n");
}

static int64_t measure(struct frame *frame, const struct stint_plot_line *lines, size_t count)
{
    int64_t first_s = INT64_MAX;
    int64_t last_s = INT64_MIN;
    double most = 1;
    for (size_t i = 0; i < count; i++) {
        const struct stint_curve *curve = lines[i].curve;
        first_s = curve->first_s < first_s ? curve->first_s : first_s;
        last_s = curve->last_s > last_s ? curve->last_s : last_s;
        for (size_t k = 0; k < curve->count; k++)
            most = curve->waiting[k] > most ? curve->waiting[k] : most;
    }
    double step = round_step(most);
    frame->seconds = last_s > first_s ? (double)(last_s - first_s) : 1;
    frame->waiting_most = step * ceil(most / step - 1e-9);
    return first_s;
}

void stint_plot_write(const char *title, const struct stint_plot_line *lines, size_t count,
                      struct stint_buffer *buffer)
{
    struct frame frame = { .out = buffer,
                           .steps_most = count > 1 ? STEPS_OF_SEVERAL : STINT_CURVE_STEPS };
    int64_t first_s = measure(&frame, lines, count);
    begin(buffer, title);
    draw_legend(buffer, lines, count);
    draw_scale(&frame, "utilization, %", 100, 20, UPPER_TOP, UPPER_BOTTOM);
    draw_scale(&frame, "jobs that wait", frame.waiting_most, round_step(frame.waiting_most),
               LOWER_TOP, LOWER_BOTTOM);
    draw_time(&frame);
    for (size_t i = 0; i < count; i++) {
        const struct stint_curve *curve = lines[i].curve;
        draw_line(&frame, curve, first_s, curve->busy, 1, UPPER_TOP, UPPER_BOTTOM, i);
        draw_line(&frame, curve, first_s, curve->waiting, frame.waiting_most, LOWER_TOP,
                  LOWER_BOTTOM, i);
    }
    stint_buffer_add_text(buffer, "</svg>\n");
}
